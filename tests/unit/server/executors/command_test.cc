// SPDX-License-Identifier: Apache-2.0
#include "server/executors/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "absl/status/status.h"
#include "engine/base/clock.h"

namespace gradus::executors {
namespace {

constexpr int64_t kSecond = 1'000'000;

Command Shell(const std::string& script) {
  return {.words = {"sh", "-c", script, "sh"},
          .environment = {"PATH=/usr/bin:/bin"},
          .limit_micros = 60 * kSecond};
}

TEST(Command, GivesInputAndTakesBothOutputsAndTheStatus) {
  Command command = Shell("cat; echo complaint >&2; exit 3");
  command.input = "line 1\nline 2\n";
  const auto end = RunCommand(command);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->output, command.input);
  EXPECT_EQ(end->errors, "complaint\n");
  EXPECT_EQ(WEXITSTATUS(end->wait_status), 3);
  EXPECT_FALSE(end->ok());
  EXPECT_TRUE(RunCommand(Shell("true"))->ok());
}

TEST(Command, WordsReachItAsTheyAreWithoutAShell) {
  Command command = Shell("printf '%s\\n' \"$@\"");
  command.words.push_back("$(touch /tmp/x); 'a b' \" \\ *");
  command.words.push_back("");
  EXPECT_EQ(RunCommand(command)->output, "$(touch /tmp/x); 'a b' \" \\ *\n\n");
}

TEST(Command, SeesItsEnvironmentAndThreeDescriptorsAlone) {
  Command command = Shell("env; ls /proc/$$/fd; pwd");
  command.environment.push_back("GIVEN=1");
  const std::string output = RunCommand(command)->output;
  EXPECT_THAT(output, ::testing::HasSubstr("GIVEN=1\n"));
  EXPECT_THAT(output, ::testing::Not(::testing::HasSubstr("HOME=")));
  EXPECT_THAT(output, ::testing::EndsWith("0\n1\n2\n/\n"));
}

TEST(Command, IsEndedAtItsLimitWithWhatItStarted) {
  Command command = Shell("echo begun; sleep 1000 & sleep 1000");
  command.limit_micros = kSecond / 2;
  const int64_t begun = base::RealClock().MonotonicMicros();
  const auto end = RunCommand(command);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_FALSE(end->in_time);
  EXPECT_EQ(WTERMSIG(end->wait_status), SIGKILL);
  EXPECT_EQ(end->output, "begun\n");
  EXPECT_GE(base::RealClock().MonotonicMicros() - begun, command.limit_micros);
}

TEST(Command, EndsWithItsProcessThoughSomethingHoldsItsOutput) {
  const auto end = RunCommand(Shell("sleep 1000 & echo done"));
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_TRUE(end->ok());
  EXPECT_EQ(end->output, "done\n");
}

TEST(Command, OutputBeyondTheBoundIsDroppedAndSaid) {
  Command command = Shell("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2");
  command.max_output = 100'000;
  const auto end = RunCommand(command);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->output.size(), command.max_output);
  EXPECT_EQ(end->errors.size(), command.max_output);
  EXPECT_EQ(end->wait_status, 0);
  EXPECT_FALSE(end->whole);
  EXPECT_FALSE(end->ok());
}

TEST(Command, AMissingProgramIsNotFound) {
  Command command = Shell("");
  command.words = {"no-such-program"};
  EXPECT_TRUE(absl::IsNotFound(RunCommand(command).status()));
}

}  // namespace
}  // namespace gradus::executors
