// SPDX-License-Identifier: Apache-2.0
// What becomes of a job: its rank's words, exits and silence, users' commands, deadlines.
#include <optional>
#include <thread>

#include "tests/unit/server/jobs/jobs_fixture.h"

namespace gradus::jobs {
namespace {

using LifecycleTest = JobsFixture;
using v1::Command;
using v1::Job;
using v1::RankFinished;

TEST_F(LifecycleTest, AJobTrainsAndIsPublished) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(rank.assignment().has_value());
  EXPECT_EQ(rank.assignment()->spec().name(), "test");
  EXPECT_EQ(rank.assignment()->memory_limit(), 1 << 20);
  EXPECT_EQ(AwaitState(job.id(), Job::RUNNING).attempt(), 1);
  ASSERT_TRUE(rank.Epoch(0, 0.5, 0.8).ok());
  ASSERT_TRUE(rank.Finish(RankFinished::DONE).ok());
  const Job done = Get(job.id());
  EXPECT_EQ(done.state(), Job::SUCCEEDED);
  EXPECT_EQ(done.published(), "net@1");
  EXPECT_EQ(done.weights_sha256(), "abc");
  EXPECT_EQ(done.metrics().at("accuracy"), 0.8);
  EXPECT_TRUE(done.has_started_at() && done.has_finished_at());
  executor_.Exit(rank.key(), "exited with 0", true);
  EXPECT_TRUE(jobs_->WaitIdle(INT64_MAX));
  EXPECT_EQ(States(job.id()),
            (std::vector<std::string>{"QUEUED", "STARTING", "RUNNING", "SUCCEEDED"}));
}

TEST_F(LifecycleTest, TheRankIsGivenWhatItNeeds) {
  const Job job = Submit(2);
  const executors::RankSpec spec = executor_.AwaitStart(job.id());
  EXPECT_EQ(spec.config.job_id(), job.id());
  EXPECT_EQ(spec.config.fence(), spec.key.fence);
  EXPECT_EQ(spec.config.attempt(), 1);
  EXPECT_EQ(spec.config.profile().token(), "token " + std::to_string(spec.key.fence));
  EXPECT_EQ(spec.config.endpoint_file(), dir_ / "endpoint");
  EXPECT_EQ(spec.config.blob_dir(), blobs_->dir());
  EXPECT_EQ(spec.config.cpus_size(), 2);
  EXPECT_EQ(spec.memory_bytes, 1 << 20);
  EXPECT_TRUE(*base::RealFiles().Exists(spec.config.work_dir()));
}

TEST_F(LifecycleTest, RanksGetProcessorsOfTheirOwn) {
  const Job a = Submit();
  const Job b = Submit();
  const Job c = Submit();
  const int cpu_a = executor_.AwaitStart(a.id()).config.cpus(0);
  const int cpu_b = executor_.AwaitStart(b.id()).config.cpus(0);
  EXPECT_NE(cpu_a, cpu_b);
  Settle();
  EXPECT_EQ(Get(c.id()).state(), Job::QUEUED);
  executor_.Exit(executor_.AwaitStart(a.id()).key, "exited with 1");
  EXPECT_EQ(executor_.AwaitStart(c.id()).config.cpus(0), cpu_a);
}

TEST_F(LifecycleTest, ALostRankIsReplacedAfterADelay) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(rank.Checkpoint("state at 5", 5).ok());
  executor_.Exit(rank.key(), "was killed by signal 9 (KILL)");
  const Job queued = AwaitState(job.id(), Job::QUEUED);
  EXPECT_NE(queued.reason().find("signal 9"), std::string::npos) << queued.reason();
  Settle();
  EXPECT_EQ(executor_.started(), 1);
  clock_.Advance(options_.retry_delay_micros);
  PlayedRank second = RankOf(job.id(), 2);
  EXPECT_GT(second.key().fence, rank.key().fence);
  ASSERT_TRUE(second.Attach().ok());
  ASSERT_EQ(second.assignment()->checkpoints_size(), 1);
  EXPECT_EQ(second.assignment()->checkpoints(0).step(), 5);
}

TEST_F(LifecycleTest, AJobWhoseRankKeepsDyingFails) {
  StopJobs();
  options_.max_attempts = 3;
  StartJobs();
  const Job job = Submit();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    executor_.Exit(executor_.AwaitStart(job.id(), attempt).key, "exited with 1");
    if (attempt < 3) AwaitState(job.id(), Job::QUEUED);
    Settle();
    clock_.Advance(60'000'000);
  }
  const Job failed = AwaitState(job.id(), Job::FAILED);
  EXPECT_NE(failed.reason().find("3 times"), std::string::npos) << failed.reason();
  EXPECT_NE(failed.reason().find("exited with 1"), std::string::npos) << failed.reason();
  EXPECT_EQ(executor_.started(), 3);
}

TEST_F(LifecycleTest, ARankThatCannotBeStartedIsTriedAgain) {
  executor_.FailStarts(1);
  const Job job = Submit();
  const Job queued = AwaitState(job.id(), Job::STARTING);
  Settle();
  EXPECT_EQ(Get(job.id()).state(), Job::QUEUED);
  clock_.Advance(options_.retry_delay_micros);
  EXPECT_EQ(executor_.AwaitStart(job.id(), 2).key.attempt, 2);
}

TEST_F(LifecycleTest, AFaultThatWouldComeAgainIsNotRetried) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(rank.Finish(RankFinished::FAILED, "the loss is NaN at step 7").ok());
  EXPECT_EQ(Get(job.id()).state(), Job::FAILED);
  EXPECT_EQ(Get(job.id()).reason(), "the loss is NaN at step 7");
}

TEST_F(LifecycleTest, ARetriableFaultIsRetried) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(rank.Finish(RankFinished::RETRY, "out of luck").ok());
  EXPECT_EQ(Get(job.id()).state(), Job::QUEUED);
}

TEST_F(LifecycleTest, PauseSavesAndResumeGoesOn) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  EXPECT_EQ(jobs_->Pause("alice", job.id(), "p")->state(), Job::PAUSING);
  EXPECT_EQ(rank.AwaitCommand(), Command::STOP);
  ASSERT_TRUE(rank.Checkpoint("state at 9", 9).ok());
  ASSERT_TRUE(rank.Finish(RankFinished::STOPPED).ok());
  Settle();
  EXPECT_EQ(Get(job.id()).state(), Job::PAUSING) << "PAUSED promises that no worker runs";
  executor_.Exit(rank.key(), "exited with 0", true);
  EXPECT_EQ(AwaitState(job.id(), Job::PAUSED).reason(), "paused by alice");
  ASSERT_TRUE(jobs_->Resume("alice", job.id(), "r").ok());
  PlayedRank second = RankOf(job.id(), 2);
  ASSERT_TRUE(second.Attach().ok());
  EXPECT_EQ(second.assignment()->checkpoints(0).step(), 9);
}

TEST_F(LifecycleTest, ARankThatDoesNotPauseIsEndedAndTheJobIsPausedAllTheSame) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(jobs_->Pause("alice", job.id(), "p").ok());
  EXPECT_EQ(rank.AwaitCommand(), Command::STOP);
  Settle();
  clock_.Advance(options_.pause_grace_micros);
  AwaitState(job.id(), Job::PAUSED);
  EXPECT_EQ(executor_.killed().size(), 1u);
}

TEST_F(LifecycleTest, CancelIsToldThenEnforced) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  EXPECT_EQ(jobs_->Cancel("alice", job.id(), "c")->state(), Job::CANCELLING);
  EXPECT_EQ(rank.AwaitCommand(), Command::CANCEL);
  Settle();
  EXPECT_TRUE(executor_.killed().empty());
  clock_.Advance(options_.cancel_grace_micros);
  EXPECT_EQ(AwaitState(job.id(), Job::CANCELLED).reason(), "cancelled by alice");
  EXPECT_EQ(executor_.killed().size(), 1u);
}

TEST_F(LifecycleTest, ACancelOvertakesAPause) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(jobs_->Pause("alice", job.id(), "p").ok());
  EXPECT_EQ(rank.AwaitCommand(), Command::STOP);
  ASSERT_TRUE(jobs_->Cancel("alice", job.id(), "c").ok());
  EXPECT_EQ(rank.AwaitCommand(), Command::CANCEL);
  ASSERT_TRUE(rank.Finish(RankFinished::CANCELLED).ok());
  EXPECT_EQ(Get(job.id()).state(), Job::CANCELLED);
}

TEST_F(LifecycleTest, APromisedCancelWinsOverARankThatFinishes) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(jobs_->Cancel("alice", job.id(), "c").ok());
  ASSERT_TRUE(rank.Finish(RankFinished::DONE).ok());
  EXPECT_EQ(Get(job.id()).state(), Job::CANCELLED);
  EXPECT_EQ(published_, 0);
}

TEST_F(LifecycleTest, ARankWithoutAStreamIsCancelledAtOnce) {
  const Job job = Submit();
  executor_.AwaitStart(job.id());
  ASSERT_TRUE(jobs_->Cancel("alice", job.id(), "c").ok());
  AwaitState(job.id(), Job::CANCELLED);
  EXPECT_TRUE(executor_.running().empty());
}

TEST_F(LifecycleTest, ARankThatLingersAfterItsLastWordIsEnded) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(rank.Finish(RankFinished::DONE).ok());
  Settle();
  EXPECT_TRUE(executor_.killed().empty());
  clock_.Advance(options_.exit_grace_micros);
  EXPECT_TRUE(jobs_->WaitIdle(INT64_MAX));
  EXPECT_EQ(executor_.killed().size(), 1u);
  EXPECT_EQ(Get(job.id()).state(), Job::SUCCEEDED);
}

TEST_F(LifecycleTest, ASilentRankIsFencedOffAndReplacedAfterTheGrace) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  Settle();
  rank.Detach();
  Settle();
  clock_.Advance(options_.worker_grace_micros - 1);
  Settle();
  EXPECT_EQ(Get(job.id()).state(), Job::RUNNING);
  clock_.Advance(1);
  AwaitState(job.id(), Job::QUEUED);
  EXPECT_TRUE(absl::IsFailedPrecondition(rank.Progress(1).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(rank.Attach(true)));
}

TEST_F(LifecycleTest, ARankThatComesBackInTimeGoesOn) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(rank.Progress(1).ok());
  rank.Detach();
  Settle();
  clock_.Advance(options_.worker_grace_micros / 2);
  ASSERT_TRUE(rank.Attach(true).ok());
  EXPECT_EQ(rank.acked(), 1);
  Settle();
  clock_.Advance(options_.worker_grace_micros * 2);
  Settle();
  EXPECT_TRUE(rank.Progress(2).ok());
  EXPECT_TRUE(executor_.killed().empty());
}

TEST_F(LifecycleTest, ACommandReachesTheNewStreamOfARank) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  rank.Detach();
  Settle();
  ASSERT_TRUE(jobs_->Pause("alice", job.id(), "p").ok());
  Settle();
  EXPECT_EQ(rank.commands(), 0u);
  ASSERT_TRUE(rank.Attach(true).ok());
  EXPECT_EQ(rank.AwaitCommand(), Command::STOP);
}

TEST_F(LifecycleTest, AJobMayNotRunLongerThanItsLimitOverAllAttempts) {
  Submission submission = NewSubmission();
  submission.time_limit_micros = 10'000'000;
  const Job job = *jobs_->Submit(submission);
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  clock_.Advance(6'000'000);
  executor_.Exit(rank.key(), "exited with 1");
  AwaitState(job.id(), Job::QUEUED);
  Settle();
  clock_.Advance(20'000'000);  // waiting does not count
  PlayedRank second = RankOf(job.id(), 2);
  ASSERT_TRUE(second.Attach().ok());
  Settle();
  clock_.Advance(3'900'000);
  Settle();
  EXPECT_EQ(Get(job.id()).state(), Job::RUNNING);
  clock_.Advance(100'000);
  AwaitState(job.id(), Job::TIMED_OUT);
  EXPECT_TRUE(jobs_->WaitIdle(INT64_MAX));
  EXPECT_TRUE(executor_.running().empty());
}

TEST_F(LifecycleTest, ARefusedPublicationFailsTheJobAndKeepsItsStory) {
  publish_error_ = "the registry is full";
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(rank.Epoch(0, 0.5, 0.8).ok());
  ASSERT_TRUE(rank.Finish(RankFinished::DONE).ok());
  const Job failed = Get(job.id());
  EXPECT_EQ(failed.state(), Job::FAILED);
  EXPECT_NE(failed.reason().find("the registry is full"), std::string::npos) << failed.reason();
  EXPECT_EQ(failed.metrics().at("accuracy"), 0.8);
}

TEST_F(LifecycleTest, AFailedRanksLastOutputIsInTheLog) {
  const Job job = Submit();
  const executors::RankSpec spec = executor_.AwaitStart(job.id());
  ASSERT_TRUE(base::WriteFileAtomically(base::RealFiles(), spec.config.work_dir() + "/log",
                                        "cannot load the library\n")
                  .ok());
  executor_.Exit(spec.key, "exited with 127");
  AwaitState(job.id(), Job::QUEUED);
  bool told = false;
  for (const v1::Event& event : Events(job.id()))
    told = told || event.log_line().text() == "cannot load the library\n";
  EXPECT_TRUE(told);
  Settle();
  EXPECT_FALSE(*base::RealFiles().Exists(spec.config.work_dir()));
}

TEST_F(LifecycleTest, DrainSavesEverythingAndStartsNothing) {
  const Job job = Submit();
  const Job waiting = Submit(2);
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  std::thread drain([&] { jobs_->Drain(clock_.MonotonicMicros() + 10'000'000); });
  EXPECT_EQ(rank.AwaitCommand(), Command::STOP);
  EXPECT_TRUE(absl::IsUnavailable(jobs_->Submit(NewSubmission()).status()));
  ASSERT_TRUE(rank.Checkpoint("state at 3", 3).ok());
  ASSERT_TRUE(rank.Finish(RankFinished::STOPPED).ok());
  executor_.Exit(rank.key(), "exited with 0", true);
  drain.join();
  EXPECT_EQ(Get(job.id()).state(), Job::QUEUED);
  EXPECT_EQ(Get(job.id()).reason(), "server stopped");
  EXPECT_EQ(Get(waiting.id()).state(), Job::QUEUED);
  Restart();
  PlayedRank second = RankOf(job.id(), 2);
  ASSERT_TRUE(second.Attach().ok());
  EXPECT_EQ(second.assignment()->checkpoints(0).step(), 3);
}

TEST_F(LifecycleTest, DrainEndsRanksThatDoNotStopInTimeWithoutBlamingThem) {
  StopJobs();
  options_.max_attempts = 1;
  StartJobs();
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  const int64_t deadline = clock_.MonotonicMicros() + 10'000'000;
  std::thread drain([&] { jobs_->Drain(deadline); });
  EXPECT_EQ(rank.AwaitCommand(), Command::STOP);
  Settle();
  clock_.Advance(10'000'000);
  drain.join();
  EXPECT_TRUE(executor_.running().empty());
  EXPECT_EQ(Get(job.id()).state(), Job::QUEUED);
}

}  // namespace
}  // namespace gradus::jobs
