// SPDX-License-Identifier: Apache-2.0
// However a child ends, the caller gets an answer or a reason, in time.
#include "server/registry/child_process.h"

#include <fcntl.h>

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/descriptor.h"
#include "engine/base/log.h"

namespace gradus::registry {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<std::string> RunWord(const std::string& word, int64_t limit_micros = 30'000'000,
                                    std::vector<int> fds = {}) {
  ChildSpec spec{
      .program = GRADUS_PARSE_PROGRAM, .argument = word, .request = "{}", .fds = std::move(fds)};
  spec.limit_micros = limit_micros;
  spec.max_answer = 1 << 20;
  return RunChild(base::RealClock(), spec);
}

TEST(ChildProcess, EndsOneThatTakesTooLong) {
  const auto answer = RunWord("hang", 200'000);
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(answer.status().message(), HasSubstr("too long"));
}

TEST(ChildProcess, EndsOneThatAnswersTooMuch) {
  EXPECT_THAT(RunWord("flood").status().message(), HasSubstr("more than"));
}

TEST(ChildProcess, TellsTheExitCode) {
  EXPECT_THAT(RunWord("nonsense").status().message(), HasSubstr("exited with 7"));
}

TEST(ChildProcess, TellsThatTheProgramIsMissing) {
  ChildSpec spec{.program = "/nonexistent/program", .argument = "x", .request = {}, .fds = {}};
  spec.limit_micros = 1'000'000;
  EXPECT_THAT(RunChild(base::RealClock(), spec).status().message(),
              HasSubstr("/nonexistent/program"));
}

TEST(ChildProcess, InheritsNoEnvironment) {
  ::setenv("GRADUS_TEST_SECRET", "x", 1);
  const auto answer = RunWord("environment");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->find("GRADUS_TEST_SECRET"), std::string::npos);
}

TEST(ChildProcess, InheritsNoDescriptorButThoseGiven) {
  // Neither marked to be closed nor passed on.
  const base::Descriptor leak(::open("/dev/null", O_RDONLY));
  const base::Descriptor given(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto answer = RunWord("descriptors", 30'000'000, {given.get(), given.get()});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, "0 1 2 3 4 5 ");
}

TEST(ChildProcess, WhatItWritesToStandardErrorIsNeverALineOfTheLog) {
  std::vector<std::string> lines;
  base::SetLogSink([&](std::string_view line) { lines.emplace_back(line); });
  ::testing::internal::CaptureStderr();
  const auto answer = RunWord("complain");
  const std::string passed_on = ::testing::internal::GetCapturedStderr();
  base::SetLogSink(nullptr);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(passed_on, "");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr("a child has complained"));
  EXPECT_THAT(lines[0], HasSubstr("all is well"));
  EXPECT_EQ(lines[0].find('\n'), std::string::npos);
}

TEST(ChildProcess, TheSandboxKillsOneThatOpensAFile) {
#if defined(GRADUS_SANITIZED)
  GTEST_SKIP() << "sanitizers need system calls that the filter refuses";
#endif
  EXPECT_THAT(RunWord("open").status().message(), HasSubstr("signal 31"));
}

}  // namespace
}  // namespace gradus::registry
