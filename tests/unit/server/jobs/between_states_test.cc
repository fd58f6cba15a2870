// SPDX-License-Identifier: Apache-2.0
// What is asked for, or happens, while a job is on its way from one state to another: nothing may
// get stuck there.
#include <thread>

#include "tests/unit/server/jobs/jobs_fixture.h"

namespace gradus::jobs {
namespace {

using BetweenStatesTest = JobsFixture;
using v1::Command;
using v1::Job;
using v1::RankFinished;

TEST_F(BetweenStatesTest, APauseBeforeTheRankAttachesReachesItWithItsAssignment) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(jobs_->Pause("alice", job.id(), "p").ok());
  EXPECT_EQ(Get(job.id()).state(), Job::PAUSING);
  ASSERT_TRUE(rank.Attach().ok());
  EXPECT_TRUE(rank.assignment().has_value());
  EXPECT_EQ(rank.AwaitCommand(), Command::STOP);
  ASSERT_TRUE(rank.Finish(RankFinished::STOPPED).ok());
  executor_.Exit(rank.key(), "exited with 0", true);
  AwaitState(job.id(), Job::PAUSED);
}

TEST_F(BetweenStatesTest, ARankThatNeverAttachesHoldsNeitherAPauseNorACancel) {
  const Job paused = Submit();
  const Job cancelled = Submit();
  executor_.AwaitStart(paused.id());
  executor_.AwaitStart(cancelled.id());
  ASSERT_TRUE(jobs_->Pause("alice", paused.id(), "p").ok());
  ASSERT_TRUE(jobs_->Cancel("alice", cancelled.id(), "c").ok());
  AwaitState(cancelled.id(), Job::CANCELLED);
  Settle();
  clock_.Advance(options_.worker_grace_micros);
  AwaitState(paused.id(), Job::PAUSED);
  EXPECT_TRUE(jobs_->WaitIdle(INT64_MAX));
  EXPECT_TRUE(executor_.running().empty());
}

TEST_F(BetweenStatesTest, ARankThatDiesBetweenAttachAndItsFirstReportIsReplaced) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  executor_.Exit(rank.key(), "killed by signal 9");
  AwaitState(job.id(), Job::QUEUED);
  Settle();
  clock_.Advance(options_.retry_delay_micros);
  EXPECT_EQ(executor_.AwaitStart(job.id(), 2).key.attempt, 2);
}

TEST_F(BetweenStatesTest, AJobThatWaitsForItsRetryCanBeSteered) {
  const Job cancelled = Submit();
  const Job paused = Submit();
  for (const Job& job : {cancelled, paused}) {
    executor_.Exit(executor_.AwaitStart(job.id()).key, "exited with 1");
    AwaitState(job.id(), Job::QUEUED);
  }
  ASSERT_TRUE(jobs_->Cancel("alice", cancelled.id(), "c").ok());
  ASSERT_TRUE(jobs_->Pause("alice", paused.id(), "p").ok());
  Settle();
  clock_.Advance(60'000'000);
  EXPECT_TRUE(jobs_->WaitIdle(INT64_MAX));
  EXPECT_EQ(executor_.started(), 2);
  EXPECT_EQ(Get(cancelled.id()).state(), Job::CANCELLED);
  ASSERT_TRUE(jobs_->Resume("alice", paused.id(), "r").ok());
  EXPECT_EQ(executor_.AwaitStart(paused.id(), 2).key.attempt, 2);
}

TEST_F(BetweenStatesTest, AServerThatStartsAgainWhileARankStartsKeepsOrReplacesIt) {
  const Job kept = Submit();
  const Job lost = Submit();
  PlayedRank rank = RankOf(kept.id());
  const executors::RankKey gone = executor_.AwaitStart(lost.id()).key;
  StopJobs();
  executor_.Exit(gone, "", false, false);
  StartJobs();
  EXPECT_EQ(Get(kept.id()).state(), Job::STARTING);
  EXPECT_EQ(Get(lost.id()).state(), Job::QUEUED);
  PlayedRank again(*jobs_, *blobs_, rank.key());
  ASSERT_TRUE(again.Attach().ok());
  EXPECT_EQ(Get(kept.id()).state(), Job::RUNNING);
  Settle();
  clock_.Advance(options_.retry_delay_micros);
  EXPECT_EQ(executor_.AwaitStart(lost.id(), 2).key.attempt, 2);
}

TEST_F(BetweenStatesTest, AStopOfTheServerWhileAPauseIsUnderWayLeavesThePause) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(jobs_->Pause("alice", job.id(), "p").ok());
  EXPECT_EQ(rank.AwaitCommand(), Command::STOP);
  std::thread drain([&] { jobs_->Drain(clock_.MonotonicMicros() + 10'000'000); });
  ASSERT_TRUE(rank.Checkpoint("state at 3", 3).ok());
  ASSERT_TRUE(rank.Finish(RankFinished::STOPPED).ok());
  executor_.Exit(rank.key(), "exited with 0", true);
  drain.join();
  EXPECT_EQ(Get(job.id()).state(), Job::PAUSED);
  Restart();
  Settle();
  EXPECT_EQ(Get(job.id()).state(), Job::PAUSED);
  EXPECT_EQ(executor_.started(), 1);
}

// The wall clock is for people: turning it changes no deadline.
TEST_F(BetweenStatesTest, AJumpOfTheWallClockEndsNothing) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  for (const int64_t day : {int64_t{86'400'000'000}, -2 * int64_t{86'400'000'000}}) {
    clock_.JumpWall(day);
    Settle();
    EXPECT_EQ(Get(job.id()).state(), Job::RUNNING);
    EXPECT_TRUE(rank.Progress(1).ok());
  }
  EXPECT_EQ(executor_.killed().size(), 0U);
}

}  // namespace
}  // namespace gradus::jobs
