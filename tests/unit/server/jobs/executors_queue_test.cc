// SPDX-License-Identifier: Apache-2.0
// Jobs whose ranks wait and run in a queue of their executor's own, where others than this server
// may have a hand in them.
#include <optional>

#include "gmock/gmock.h"
#include "tests/unit/server/jobs/jobs_fixture.h"

namespace gradus::jobs {
namespace {

using ::testing::HasSubstr;
using v1::Job;
using v1::RankFinished;

class ExecutorsQueueTest : public JobsFixture {
 protected:
  void SetUp() override {
    executor_.HaveQueue();
    JobsFixture::SetUp();
  }

  void Limit(int max_attempts) {
    StopJobs();
    options_.max_attempts = max_attempts;
    StartJobs();
  }
};

TEST_F(ExecutorsQueueTest, ARankThatSomebodyElseCancelsIsItsJobsEnd) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  executor_.Exit({.key = rank.key(), .reason = "was cancelled in Slurm", .cancelled = true});
  const Job ended = AwaitState(job.id(), Job::CANCELLED);
  EXPECT_THAT(ended.reason(), HasSubstr("was cancelled in Slurm"));
  EXPECT_EQ(ended.attempt(), 1);
}

TEST_F(ExecutorsQueueTest, SoIsOneThatNeverCameToRun) {
  const Job job = Submit();
  const executors::RankKey key = executor_.AwaitStart(job.id()).key;
  executor_.Exit({.key = key, .reason = "was cancelled in Slurm", .cancelled = true});
  AwaitState(job.id(), Job::CANCELLED);
}

// It was told to save its state first, and says that it has stopped before anybody knows why.
TEST_F(ExecutorsQueueTest, ARankThatStopsHasTimeToBeSaidCancelled) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(rank.Finish(RankFinished::STOPPED, "stopped as asked").ok());
  AwaitState(job.id(), Job::QUEUED);
  Settle();
  EXPECT_EQ(executor_.started(), 1);
  executor_.Exit({.key = rank.key(), .reason = "was cancelled in Slurm", .cancelled = true});
  AwaitState(job.id(), Job::CANCELLED);
}

TEST_F(ExecutorsQueueTest, ARankThatStopsForNoneOfOurReasonsGoesOnSoon) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(rank.Finish(RankFinished::STOPPED, "stopped as asked").ok());
  executor_.Exit({.key = rank.key(), .reason = "was preempted", .blameless = true});
  AwaitState(job.id(), Job::QUEUED);
  Settle();
  clock_.Advance(15'000'000);
  EXPECT_EQ(executor_.AwaitStart(job.id(), 2).key.attempt, 2);
}

TEST_F(ExecutorsQueueTest, TheCancelOfAnEarlierAttemptIsNotTheJobs) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(rank.Finish(RankFinished::RETRY, "a bad moment").ok());
  clock_.Advance(options_.retry_delay_micros);
  PlayedRank second = RankOf(job.id(), 2);
  ASSERT_TRUE(second.Attach().ok());
  executor_.Exit({.key = rank.key(), .reason = "was cancelled in Slurm", .cancelled = true});
  Settle();
  EXPECT_EQ(Get(job.id()).state(), Job::RUNNING);
}

TEST_F(ExecutorsQueueTest, AttemptsThatWereTakenAwayDoNotCount) {
  Limit(2);
  const Job job = Submit();
  for (int attempt = 1; attempt <= 4; ++attempt) {
    PlayedRank rank = RankOf(job.id(), attempt);
    ASSERT_TRUE(rank.Attach().ok());
    executor_.Exit({.key = rank.key(), .reason = "was preempted by Slurm", .blameless = true});
    EXPECT_THAT(AwaitState(job.id(), Job::QUEUED).reason(), HasSubstr("was preempted by Slurm"));
    Settle();
    clock_.Advance(options_.retry_delay_micros);
  }
  PlayedRank last = RankOf(job.id(), 5);
  executor_.Exit(last.key(), "exited with 1");
  AwaitState(job.id(), Job::QUEUED);
}

TEST_F(ExecutorsQueueTest, ARankMayWaitForLongAndIsReplacedWhenItRunsUnheard) {
  executor_.HaveWait("waits in Slurm's queue (Resources)");
  const Job job = Submit();
  executor_.AwaitStart(job.id());
  for (int i = 0; i < 5; ++i) {
    Settle();
    clock_.Advance(options_.worker_grace_micros);
  }
  Settle();
  EXPECT_EQ(Get(job.id()).state(), Job::STARTING);
  const auto why = jobs_->Explain(job.id());
  ASSERT_TRUE(why.ok()) << why.status();
  EXPECT_THAT(why->details(), ::testing::Contains(HasSubstr("waits in Slurm's queue (Resources)")));
  // From when it runs it has all of the grace.
  executor_.HaveWait("");
  clock_.Advance(1'000'000);
  Settle();
  clock_.Advance(options_.worker_grace_micros - 1);
  Settle();
  EXPECT_EQ(Get(job.id()).state(), Job::STARTING);
  clock_.Advance(1);
  EXPECT_THAT(AwaitState(job.id(), Job::QUEUED).reason(), HasSubstr("not heard of"));
}

TEST_F(ExecutorsQueueTest, RanksOutliveAServerThatStops) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  jobs_->Drain(clock_.MonotonicMicros() + 10'000'000);
  EXPECT_EQ(rank.commands(), 0u);
  rank.Detach();
  Restart();
  EXPECT_EQ(executor_.running().size(), 1u);
  PlayedRank again = RankOf(job.id());
  EXPECT_EQ(again.key(), rank.key());
  ASSERT_TRUE(again.Attach(true).ok());
  ASSERT_TRUE(again.Finish(RankFinished::DONE).ok());
  EXPECT_EQ(Get(job.id()).state(), Job::SUCCEEDED);
  EXPECT_EQ(Get(job.id()).attempt(), 1);
}

}  // namespace
}  // namespace gradus::jobs
