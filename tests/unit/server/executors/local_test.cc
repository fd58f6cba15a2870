// SPDX-License-Identifier: Apache-2.0
// Ranks as real processes: shell scripts in place of the worker.
#include "server/executors/local.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/cpu.h"
#include "engine/base/file_ops.h"
#include "engine/base/mutex.h"
#include "server/executors/processes.h"
#include "tests/support/temp_dir.h"

namespace gradus::executors {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kStore[] = "local-test-store";

class LocalTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }

  void TearDown() override {
    executor_.reset();
    for (const MarkedProcess& process : FindMarked(store_)) KillMarked(store_, process.key);
  }

  void Open() {
    auto executor = MakeLocalExecutor({.program = dir_ / "worker", .store_id = store_});
    ASSERT_TRUE(executor.ok()) << executor.status();
    executor_ = *std::move(executor);
    executor_->OnExit([this](const RankExit& exit) {
      base::MutexLock lock(mu_);
      exits_.push_back(exit);
      changed_.SignalAll();
    });
  }

  // The worker is a script of this text; it writes below its work_dir.
  RankSpec Spec(const std::string& script, int64_t fence = 1) {
    const std::string path = dir_ / "worker";
    EXPECT_TRUE(base::WriteFileAtomically(base::RealFiles(), path,
                                          absl::StrCat("#!/bin/sh\n", script, "\n"))
                    .ok());
    EXPECT_EQ(::chmod(path.c_str(), 0700), 0);
    RankSpec spec;
    spec.key = {"j1", 1, fence};
    spec.config.set_job_id("j1");
    spec.config.set_fence(fence);
    spec.config.set_work_dir(dir_ / absl::StrCat("work", fence));
    EXPECT_TRUE(base::RealFiles().MakeDir(spec.config.work_dir()).ok());
    return spec;
  }

  absl::StatusOr<std::string> Start(const RankSpec& spec) {
    const auto handles = executor_->Start(std::span(&spec, 1));
    if (!handles.ok()) return handles.status();
    EXPECT_EQ(handles->size(), 1u);
    return handles->front();
  }

  RankExit AwaitExit() {
    base::MutexLock lock(mu_);
    const bool came =
        changed_.WaitFor(mu_, std::chrono::seconds(20),
                         [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !exits_.empty(); });
    EXPECT_TRUE(came) << "no exit was told";
    if (!came) return {};
    const RankExit exit = exits_.front();
    exits_.erase(exits_.begin());
    return exit;
  }

  std::string Read(const RankSpec& spec, const std::string& name) {
    const auto text =
        base::ReadFile(base::RealFiles(), spec.config.work_dir() + "/" + name, 1 << 20);
    return text.ok() ? *text : std::string(text.status().message());
  }

  // Waits on a fifo that the script opens for writing once it has come so far.
  void MakeGate(const RankSpec& spec) {
    ASSERT_EQ(::mkfifo((spec.config.work_dir() + "/gate").c_str(), 0600), 0);
  }
  void AwaitGate(const RankSpec& spec) {
    const int fd = ::open((spec.config.work_dir() + "/gate").c_str(), O_RDONLY);
    ASSERT_GE(fd, 0);
    // To the end: a writer whose reader has gone is ended by a signal.
    char byte = 0;
    while (::read(fd, &byte, 1) == 1) {
    }
    ::close(fd);
  }

  // What was killed takes a moment to be gone; five seconds are allowed.
  bool NothingIsLeft() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!FindMarked(store_).empty()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  test_support::TempDir dir_;
  const std::string store_ = absl::StrCat(kStore, ::getpid());
  std::unique_ptr<Executor> executor_;
  base::Mutex mu_;
  base::CondVar changed_;
  std::vector<RankExit> exits_ ABSL_GUARDED_BY(mu_);
};

TEST_F(LocalTest, TellsExitsWithTheirReason) {
  ASSERT_TRUE(Start(Spec("exit 0", 1)).ok());
  RankExit exit = AwaitExit();
  EXPECT_TRUE(exit.clean);
  EXPECT_EQ(exit.key, (RankKey{"j1", 1, 1}));
  ASSERT_TRUE(Start(Spec("exit 3", 2)).ok());
  exit = AwaitExit();
  EXPECT_FALSE(exit.clean);
  EXPECT_EQ(exit.reason, "exited with 3");
  ASSERT_TRUE(Start(Spec("kill -9 $$", 3)).ok());
  EXPECT_EQ(AwaitExit().reason, "was killed by signal 9 (KILL)");
}

TEST_F(LocalTest, TheSettingsComeOnDescriptorThreeAndNowhereElse) {
  RankSpec spec = Spec(
      "cat <&3 > config; env > env; tr '\\0' ' ' < /proc/$$/cmdline > args; ls /proc/$$/fd | tr "
      "'\\n' ' ' > fds");
  spec.config.mutable_profile()->set_token("a secret");
  ASSERT_TRUE(Start(spec).ok());
  EXPECT_TRUE(AwaitExit().clean) << Read(spec, "log");
  EXPECT_THAT(Read(spec, "config"), HasSubstr("\"token\":\"a secret\""));
  EXPECT_THAT(Read(spec, "env"), Not(HasSubstr("a secret")));
  EXPECT_THAT(Read(spec, "args"), Not(HasSubstr("a secret")));
}

TEST_F(LocalTest, TheEnvironmentIsAChosenOne) {
  ::setenv("SOME_PASSWORD", "hunter2", 1);
  ::setenv("OMP_NUM_THREADS", "3", 1);
  ::setenv("GRADUS_WORKER_SWITCH", "on", 1);
  const RankSpec spec = Spec("env > env");
  ASSERT_TRUE(Start(spec).ok());
  AwaitExit();
  const std::string environment = Read(spec, "env");
  EXPECT_THAT(environment, Not(HasSubstr("hunter2")));
  EXPECT_THAT(environment, HasSubstr("OMP_NUM_THREADS=3"));
  EXPECT_THAT(environment, HasSubstr("GRADUS_SWITCH=on"));
  ::unsetenv("SOME_PASSWORD");
  ::unsetenv("OMP_NUM_THREADS");
  ::unsetenv("GRADUS_WORKER_SWITCH");
}

TEST_F(LocalTest, OutputGoesToTheLog) {
  const RankSpec spec = Spec("echo out; echo err >&2");
  ASSERT_TRUE(Start(spec).ok());
  AwaitExit();
  EXPECT_EQ(Read(spec, "log"), "out\nerr\n");
}

TEST_F(LocalTest, RunsOnItsProcessorsAndLeavesThisThreadsAlone) {
  const std::vector<int> before = base::UsableCpus();
  RankSpec spec = Spec("grep Cpus_allowed_list /proc/self/status > cpus");
  spec.config.add_cpus(before.back());
  ASSERT_TRUE(Start(spec).ok());
  AwaitExit();
  EXPECT_EQ(Read(spec, "cpus"), absl::StrCat("Cpus_allowed_list:\t", before.back(), "\n"));
  EXPECT_EQ(base::UsableCpus(), before);
}

#if !defined(GRADUS_SANITIZED)
TEST_F(LocalTest, MemoryIsLimitedFromOutside) {
  RankSpec spec = Spec("echo > gate; read x < gate; ulimit -d > limit; ulimit -c > core");
  spec.memory_bytes = int64_t{1} << 30;
  MakeGate(spec);
  ASSERT_TRUE(Start(spec).ok());
  AwaitGate(spec);
  const int fd = ::open((spec.config.work_dir() + "/gate").c_str(), O_WRONLY);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::write(fd, "\n", 1), 1);
  ::close(fd);
  AwaitExit();
  EXPECT_EQ(Read(spec, "limit"), absl::StrCat((1024 + 384) * 1024, "\n"));
  EXPECT_EQ(Read(spec, "core"), "0\n");
}
#endif

TEST_F(LocalTest, AMissingProgramIsAnErrorAndRunsNothing) {
  auto executor = MakeLocalExecutor({.program = dir_ / "nothing", .store_id = store_});
  ASSERT_TRUE(executor.ok());
  const RankSpec spec = Spec("true");
  EXPECT_FALSE((*executor)->Start(std::span(&spec, 1)).ok());
  EXPECT_TRUE(FindMarked(store_).empty());
}

TEST_F(LocalTest, KillTakesEverythingWithIt) {
  // A child in the group, and one that left for a session of its own.
  const RankSpec spec = Spec("sleep 1000 & setsid sleep 1000 & echo > gate; sleep 1000");
  MakeGate(spec);
  ASSERT_TRUE(Start(spec).ok());
  AwaitGate(spec);
  executor_->Kill(spec.key);
  EXPECT_EQ(AwaitExit().reason, "was killed by signal 9 (KILL)");
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(LocalTest, OfAGangAllStartOrNoneLives) {
  std::vector<RankSpec> gang = {Spec("exec sleep 1000", 1), Spec("exec sleep 1000", 2)};
  const auto handles = executor_->Start(gang);
  ASSERT_TRUE(handles.ok()) << handles.status();
  EXPECT_EQ(handles->size(), 2u);
  EXPECT_EQ(executor_->Find()->size(), 2u);
  for (const RankSpec& spec : gang) executor_->Kill(spec.key);
  AwaitExit();
  AwaitExit();
  gang.push_back(gang.back());
  gang.back().config.set_work_dir(dir_ / "no such folder");
  gang.back().key.fence = 3;
  EXPECT_FALSE(executor_->Start(gang).ok());
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(LocalTest, NothingOutlivesARankThatEndsByItself) {
  const RankSpec spec = Spec("sleep 1000 & setsid sleep 1000 & exit 0");
  ASSERT_TRUE(Start(spec).ok());
  AwaitExit();
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(LocalTest, ALaterServerFindsAdoptsAndEndsARank) {
  const RankSpec spec = Spec("echo > gate; exec sleep 1000");
  MakeGate(spec);
  const auto handle = Start(spec);
  ASSERT_TRUE(handle.ok());
  AwaitGate(spec);
  executor_.reset();
  Open();
  const auto found = executor_->Find();
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->at(0).key, spec.key);
  EXPECT_EQ(found->at(0).handle, *handle);
  ASSERT_TRUE(executor_->Adopt(found->at(0)).ok());
  executor_->Kill(spec.key);
  EXPECT_EQ(AwaitExit().key, spec.key);
  EXPECT_TRUE(executor_->Find()->empty());
  EXPECT_TRUE(absl::IsNotFound(executor_->Adopt({spec.key, ""})));
}

TEST_F(LocalTest, OtherStoresRanksAreNotSeen) {
  const RankSpec spec = Spec("exec sleep 1000");
  ASSERT_TRUE(Start(spec).ok());
  auto other = MakeLocalExecutor({.program = dir_ / "worker", .store_id = store_ + "x"});
  ASSERT_TRUE(other.ok());
  EXPECT_TRUE((*other)->Find()->empty());
  executor_->Kill(spec.key);
  AwaitExit();
}

TEST_F(LocalTest, NothingIsToldOnceTheCallbackIsTakenBack) {
  const RankSpec spec = Spec("exec sleep 1000");
  ASSERT_TRUE(Start(spec).ok());
  executor_->OnExit(nullptr);
  executor_->Kill(spec.key);
  executor_.reset();
  base::MutexLock lock(mu_);
  EXPECT_TRUE(exits_.empty());
}

}  // namespace
}  // namespace gradus::executors
