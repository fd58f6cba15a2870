// SPDX-License-Identifier: Apache-2.0
// The executor and its commands with scripts in the place of Slurm's: answers that are late, lost,
// wrong, or do not come.
#include "server/executors/slurm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/file_ops.h"
#include "engine/base/mutex.h"
#include "server/executors/slurm_commands.h"
#include "tests/support/temp_dir.h"

namespace gradus::executors {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000;

// The queue is a folder: jobs/ID holds a job's name, state/ID its state.
class SlurmTest : public ::testing::Test {
 protected:
  SlurmTest() : path_(std::getenv("PATH")) {
    ::setenv("PATH", absl::StrCat(dir_.path(), ":", path_).c_str(), 1);
    ::setenv("GRADUS_STUB_SLURM", dir_.path().c_str(), 1);
    for (const char* name : {"jobs", "state"}) EXPECT_EQ(::mkdir((dir_ / name).c_str(), 0700), 0);
    Program("scontrol", "true");
    Program("sbatch", kTake + "echo $id");
    Program("squeue", kList);
    Program("scancel",
            "for word; do case $word in --*) ;; *) echo CANCELLED > $GRADUS_STUB_SLURM/state/$word;"
            " esac; done");
  }

  ~SlurmTest() override {
    executor_.reset();
    ::setenv("PATH", path_.c_str(), 1);
    ::unsetenv("GRADUS_STUB_SLURM");
  }

  void Program(const std::string& name, const std::string& script) {
    const std::string path = dir_ / name;
    ASSERT_TRUE(base::WriteFileAtomically(base::RealFiles(), path,
                                          absl::StrCat("#!/bin/sh\n", script, "\n"))
                    .ok());
    ASSERT_EQ(::chmod(path.c_str(), 0700), 0);
  }

  void Open(int64_t command_limit = 30 * kSecond, int64_t patience = 60 * kSecond) {
    executor_.reset();
    SlurmOptions options{.command_limit_micros = command_limit, .patience_micros = patience};
    options.place.store_id = "00aa";
    options.place.config.set_worker_program("/bin/true");
    options.place.config.set_node_dir("/tmp");
    options.place.config.set_poll_seconds(0.02);
    auto executor = MakeSlurmExecutor(options);
    ASSERT_TRUE(executor.ok()) << executor.status();
    executor_ = *std::move(executor);
    executor_->OnExit([this](const RankExit& exit) {
      base::MutexLock lock(mu_);
      exits_.push_back(exit);
      changed_.SignalAll();
    });
  }

  static RankSpec Spec(int64_t fence) {
    RankSpec spec;
    spec.key = {"j1", 1, fence};
    return spec;
  }

  void Start(int64_t fence) {
    const RankSpec spec = Spec(fence);
    const auto handles = executor_->Start(std::span(&spec, 1));
    ASSERT_TRUE(handles.ok()) << handles.status();
    EXPECT_THAT(*handles, ElementsAre(absl::StrCat("gradus-00aa-j1-1-", fence, "/", fence)));
  }

  void SetState(int id, const std::string& state) {
    ASSERT_TRUE(base::WriteFileAtomically(base::RealFiles(), dir_ / absl::StrCat("state/", id),
                                          state + "\n")
                    .ok());
  }

  RankExit AwaitExit() {
    base::MutexLock lock(mu_);
    const bool came =
        changed_.WaitFor(mu_, std::chrono::seconds(60),
                         [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !exits_.empty(); });
    EXPECT_TRUE(came) << "no exit was told";
    if (!came) return {};
    const RankExit exit = exits_.front();
    exits_.erase(exits_.begin());
    return exit;
  }

  // Waits until a script has written the line into NAME.
  void AwaitFile(const std::string& name) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (::access((dir_ / name).c_str(), F_OK) != 0) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << name;
      ::usleep(1000);
    }
  }

  int Submissions() { return static_cast<int>(base::RealFiles().List(dir_ / "jobs")->size()); }

  // Takes a job into the queue; `id` is its number.
  const std::string kTake =
      "cd $GRADUS_STUB_SLURM; for word; do case $word in --job-name=*) name=${word#*=};; esac; "
      "done\n"
      "id=$(($(ls jobs | wc -l) + 1)); echo RUNNING > state/$id; echo $name > jobs/.$id; mv "
      "jobs/.$id jobs/$id\n";
  // What it was asked last is told by the file "listed".
  const std::string kList =
      "cd $GRADUS_STUB_SLURM\n"
      "if [ $1 = --steps ]; then [ -e no_steps ] || for id in $(ls jobs); do name=$(cat jobs/$id)\n"
      "  echo \"$id.0|${name##*-}|node1\"; done; exit 0; fi\n"
      "out='{\"errors\": [], \"jobs\": ['; comma=\n"
      "for id in $(ls jobs); do out=\"$out$comma{\\\"job_id\\\": $id, \\\"user_id\\\": $(id -u), "
      "\\\"name\\\": \\\"$(cat jobs/$id)\\\", \\\"job_state\\\": \\\"$(cat state/$id)\\\", "
      "\\\"start_time\\\": 5}\"; comma=,; done\n"
      "echo \"$out]}\"; : > listed";

  test_support::TempDir dir_;
  const std::string path_;
  std::unique_ptr<Executor> executor_;
  base::Mutex mu_;
  base::CondVar changed_;
  std::vector<RankExit> exits_ ABSL_GUARDED_BY(mu_);
};

TEST_F(SlurmTest, StartsFollowsAndKills) {
  Open();
  EXPECT_FALSE(executor_->is_local());
  Start(1);
  AwaitFile("jobs/1");
  SetState(1, "COMPLETED");
  EXPECT_TRUE(AwaitExit().clean);
  Start(2);
  AwaitFile("jobs/2");
  executor_->Kill({"j1", 1, 2});
  const RankExit exit = AwaitExit();
  EXPECT_EQ(exit.key.fence, 2);
  EXPECT_FALSE(exit.cancelled);
}

TEST_F(SlurmTest, SomebodyElsesCancelIsSaidToBeOne) {
  Open();
  Start(1);
  AwaitFile("jobs/1");
  SetState(1, "CANCELLED");
  EXPECT_TRUE(AwaitExit().cancelled);
}

TEST_F(SlurmTest, ALaterServerFindsAndAdopts) {
  Open();
  EXPECT_THAT(*executor_->Find(), IsEmpty());
  Start(1);
  AwaitFile("jobs/1");
  Open();
  const auto found = executor_->Find();
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->at(0).key, Spec(1).key);
  EXPECT_EQ(found->at(0).handle, "gradus-00aa-j1-1-1/1");
  ASSERT_TRUE(executor_->Adopt(found->at(0)).ok());
  EXPECT_TRUE(absl::IsNotFound(executor_->Adopt({Spec(9).key, ""})));
  SetState(1, "NODE_FAIL");
  EXPECT_THAT(AwaitExit().reason, HasSubstr("node that failed"));
}

TEST_F(SlurmTest, ARankWhoseStepHasEndedIsNotFound) {
  Open();
  Start(1);
  AwaitFile("jobs/1");
  ASSERT_TRUE(base::WriteFileAtomically(base::RealFiles(), dir_ / "no_steps", "").ok());
  Open();
  EXPECT_THAT(*executor_->Find(), IsEmpty());
}

// The first command's answer is lost with it; what it had done shows in the queue.
TEST_F(SlurmTest, AHangingSbatchThatHadSubmittedIsFoundAndNotRepeated) {
  Program("sbatch", kTake + "sleep 1000");
  Open(kSecond);
  Start(1);
  AwaitFile("jobs/1");
  SetState(1, "RUNNING");
  // Only a rank that is known to be in Slurm can be cancelled there.
  executor_->Kill({"j1", 1, 1});
  EXPECT_EQ(AwaitExit().key.fence, 1);
  EXPECT_EQ(Submissions(), 1);
}

TEST_F(SlurmTest, AnSbatchThatTimesOutAndIsServedLaterIsNotRepeated) {
  Program("sbatch",
          "echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv "
          "operation' >&2; name=; : > $GRADUS_STUB_SLURM/asked; exit 1");
  Open();
  Start(1);
  AwaitFile("asked");
  // It is looked for meanwhile.
  ::unlink((dir_ / "listed").c_str());
  AwaitFile("listed");
  ASSERT_TRUE(base::WriteFileAtomically(base::RealFiles(), dir_ / "state/1", "COMPLETED\n").ok());
  ASSERT_TRUE(
      base::WriteFileAtomically(base::RealFiles(), dir_ / "jobs/1", "gradus-00aa-j1-1-1\n").ok());
  EXPECT_TRUE(AwaitExit().clean);
}

TEST_F(SlurmTest, ARefusalIsTold) {
  Program("sbatch",
          "echo 'sbatch: error: Batch job submission failed: Invalid account' >&2; exit 1");
  Open();
  Start(1);
  const RankExit exit = AwaitExit();
  EXPECT_THAT(exit.reason, HasSubstr("Invalid account"));
  EXPECT_FALSE(exit.blameless);
}

TEST_F(SlurmTest, WhileTheControllerIsAwayNothingEndsAndNothingIsSubmitted) {
  Open();
  Start(1);
  AwaitFile("jobs/1");
  // As squeue does: an empty list, an error in it, exit status 0.
  Program("squeue",
          "echo '{\"errors\": [{\"description\": \"Failed\"}], \"jobs\": []}'; : > "
          "$GRADUS_STUB_SLURM/asked; sleep 0.05; mv $GRADUS_STUB_SLURM/asked "
          "$GRADUS_STUB_SLURM/asked_again");
  Start(2);
  for (int i = 0; i < 3; ++i) {
    ::unlink((dir_ / "asked_again").c_str());
    AwaitFile("asked_again");
  }
  EXPECT_EQ(Submissions(), 1);
  {
    base::MutexLock lock(mu_);
    EXPECT_TRUE(exits_.empty());
  }
  Program("squeue", kList);
  AwaitFile("jobs/2");
  SetState(1, "COMPLETED");
  EXPECT_EQ(AwaitExit().key.fence, 1);
}

TEST_F(SlurmTest, FindSaysSoWhenNobodyAnswers) {
  Program("squeue", "sleep 1000");
  Open(kSecond / 2, kSecond);
  EXPECT_TRUE(absl::IsUnavailable(executor_->Find().status()));
}

TEST_F(SlurmTest, WithoutSlurmsCommandsThereIsNoExecutor) {
  ::setenv("PATH", "/nowhere", 1);
  EXPECT_EQ(MakeSlurmExecutor({}).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SlurmTest, CommandsTellWhatIsKnownFromWhatIsNot) {
  const auto code = [&](const std::string& script, int64_t limit = 30 * kSecond) {
    Program("sbatch", script);
    return SlurmCommands(limit).Submit({.name = "n", .script = "#!/bin/sh\n"}).status().code();
  };
  EXPECT_EQ(code("echo 17"), absl::StatusCode::kOk);
  EXPECT_EQ(code("echo '17;dev'"), absl::StatusCode::kOk);
  EXPECT_EQ(code("sleep 1000", kSecond / 2), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code("echo nonsense"), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code("kill -9 $$"), absl::StatusCode::kUnavailable);
  const auto failing = [&](const std::string& words) {
    return code(
        absl::StrCat("echo 'sbatch: error: Batch job submission failed: ", words, "' >&2; exit 1"));
  };
  EXPECT_EQ(failing("Unable to contact slurm controller (connect failure)"),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(failing("Zero Bytes were transmitted or received"), absl::StatusCode::kUnavailable);
  EXPECT_EQ(failing("Invalid partition name specified"), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code("echo \"sbatch: unrecognized option '--x'\" >&2; exit 255"),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace gradus::executors
