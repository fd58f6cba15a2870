// SPDX-License-Identifier: Apache-2.0
// What a server finds at its start, and what it makes of it.
#include "tests/unit/server/jobs/jobs_fixture.h"

namespace gradus::jobs {
namespace {

using RecoveryTest = JobsFixture;
using v1::Command;
using v1::Job;
using v1::RankFinished;

TEST_F(RecoveryTest, ALivingRankIsKeptAndGoesOnWhereItWas) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(rank.Progress(1).ok());
  rank.Detach();
  Restart();
  EXPECT_EQ(Get(job.id()).state(), Job::RUNNING);
  PlayedRank again(*jobs_, *blobs_, rank.key());
  ASSERT_TRUE(again.Attach(true).ok());
  EXPECT_EQ(again.acked(), 1);
  EXPECT_TRUE(again.Progress(2).ok());
  EXPECT_EQ(executor_.started(), 1);
  EXPECT_EQ(Get(job.id()).attempt(), 1);
}

TEST_F(RecoveryTest, AKeptRankHoldsItsProcessors) {
  const Job a = Submit();
  PlayedRank rank = RankOf(a.id());
  ASSERT_TRUE(rank.Attach().ok());
  const int cpu = executor_.AwaitStart(a.id()).config.cpus(0);
  rank.Detach();
  Restart();
  const Job b = Submit();
  EXPECT_NE(executor_.AwaitStart(b.id()).config.cpus(0), cpu);
  const Job c = Submit();
  Settle();
  EXPECT_EQ(Get(c.id()).state(), Job::QUEUED);
}

TEST_F(RecoveryTest, AKeptRankThatDoesNotComeBackIsReplaced) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  rank.Detach();
  Restart();
  Settle();
  clock_.Advance(options_.worker_grace_micros);
  AwaitState(job.id(), Job::QUEUED);
  Settle();
  clock_.Advance(30'000'000);
  EXPECT_EQ(executor_.AwaitStart(job.id(), 2).key.attempt, 2);
}

TEST_F(RecoveryTest, ARankThatEndedMeanwhileIsReplaced) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  rank.Detach();
  StopJobs();
  executor_.Exit(rank.key(), "", false, false);
  StartJobs();
  EXPECT_EQ(Get(job.id()).state(), Job::QUEUED);
  Settle();
  clock_.Advance(30'000'000);
  EXPECT_EQ(executor_.AwaitStart(job.id(), 2).key.attempt, 2);
}

// A server that died between the commit of an attempt and the start of its rank would otherwise use
// up the job's tries.
TEST_F(RecoveryTest, AnAttemptWhoseRankWasNeverStartedIsNoFailure) {
  const Job job = Submit();
  const executors::RankKey key = executor_.AwaitStart(job.id()).key;
  Settle();
  StopJobs();
  executor_.Exit(key, "", false, false);
  ASSERT_TRUE(store_
                  ->Write([&](store::Tx& tx) {
                    return tx.Execute("UPDATE attempts SET handle = '' WHERE fence = :f",
                                      key.fence);
                  })
                  .ok());
  StartJobs();
  // At once: only a failure has to wait for its next try.
  EXPECT_EQ(executor_.AwaitStart(job.id(), 2).key.attempt, 2);
}

TEST_F(RecoveryTest, PausesAndCancelsAreCarriedOn) {
  const Job pausing = Submit();
  const Job cancelling = Submit();
  PlayedRank a = RankOf(pausing.id());
  PlayedRank b = RankOf(cancelling.id());
  ASSERT_TRUE(a.Attach().ok());
  ASSERT_TRUE(b.Attach().ok());
  ASSERT_TRUE(jobs_->Pause("alice", pausing.id(), "p").ok());
  ASSERT_TRUE(jobs_->Cancel("alice", cancelling.id(), "c").ok());
  a.Detach();
  b.Detach();
  StopJobs();
  executor_.Exit(b.key(), "", false, false);
  StartJobs();
  EXPECT_EQ(Get(cancelling.id()).state(), Job::CANCELLED);
  PlayedRank again(*jobs_, *blobs_, a.key());
  ASSERT_TRUE(again.Attach(true).ok());
  EXPECT_EQ(again.AwaitCommand(), Command::STOP);
}

TEST_F(RecoveryTest, TheFoldersOfRanksThatEndedMeanwhileAreRemovedAndOthersKept) {
  const Job lost = Submit();
  const Job kept = Submit();
  const executors::RankSpec gone = executor_.AwaitStart(lost.id());
  const executors::RankSpec lives = executor_.AwaitStart(kept.id());
  base::Files& files = base::RealFiles();
  ASSERT_TRUE(base::MakeDirs(files, gone.config.work_dir() + "/blobs").ok());
  ASSERT_TRUE(base::WriteFileAtomically(files, gone.config.work_dir() + "/blobs/part", "x").ok());
  StopJobs();
  executor_.Exit(gone.key, "", false, false);
  StartJobs();
  EXPECT_FALSE(*files.Exists(gone.config.work_dir()));
  EXPECT_TRUE(*files.Exists(lives.config.work_dir()));
}

TEST_F(RecoveryTest, ProcessesThatNoAttemptKnowsAreEnded) {
  StopJobs();
  executor_.AddStranger({"jgone", 3, 999});
  StartJobs();
  EXPECT_TRUE(jobs_->WaitIdle(INT64_MAX));
  EXPECT_TRUE(executor_.running().empty());
}

TEST_F(RecoveryTest, AFinishedRankThatLingersIsEnded) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(rank.Finish(RankFinished::DONE).ok());
  rank.Detach();
  Restart();
  EXPECT_TRUE(jobs_->WaitIdle(INT64_MAX));
  EXPECT_TRUE(executor_.running().empty());
  EXPECT_EQ(Get(job.id()).state(), Job::SUCCEEDED);
}

TEST_F(RecoveryTest, QueuedJobsStartInTheirOrder) {
  const Job first = Submit(2);
  executor_.AwaitStart(first.id());
  const Job low = Submit(2, 0);
  const Job high = Submit(2, 5);
  Restart();
  executor_.Exit(executor_.AwaitStart(first.id()).key, "", false);
  EXPECT_EQ(executor_.AwaitStart(high.id()).key.job, high.id());
  Settle();
  EXPECT_EQ(Get(low.id()).state(), Job::QUEUED);
}

TEST_F(RecoveryTest, FencesNeverRepeatAcrossRestarts) {
  int64_t last = 0;
  for (int round = 0; round < 3; ++round) {
    const Job job = Submit(2);
    const executors::RankKey key = executor_.AwaitStart(job.id()).key;
    EXPECT_GT(key.fence, last);
    last = key.fence;
    ASSERT_TRUE(jobs_->Cancel("alice", job.id(), job.id()).ok());
    AwaitState(job.id(), Job::CANCELLED);
    Restart();
  }
}

}  // namespace
}  // namespace gradus::jobs
