// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/server/jobs/jobs_fixture.h"

namespace gradus::jobs {
namespace {

using v1::Job;
using v1::RankFinished;

class ReportsTest : public JobsFixture {
 protected:
  void SetUp() override {
    JobsFixture::SetUp();
    job_ = Submit();
    rank_.emplace(RankOf(job_.id()));
    ASSERT_TRUE(rank_->Attach().ok());
  }
  void TearDown() override {
    rank_.reset();
    JobsFixture::TearDown();
  }

  v1::WorkerEvent Line(int64_t seq) {
    v1::WorkerEvent event;
    event.set_worker_seq(seq);
    event.mutable_event()->mutable_log_line()->set_text("line " + std::to_string(seq));
    return event;
  }

  Job job_;
  std::optional<PlayedRank> rank_;
};

TEST_F(ReportsTest, RepeatedEventsAreDropped) {
  v1::EventBatch batch;
  for (int seq = 1; seq <= 5; ++seq) *batch.add_events() = Line(seq);
  EXPECT_EQ(*jobs_->Report(rank_->key(), batch), 5);
  *batch.add_events() = Line(6);
  EXPECT_EQ(*jobs_->Report(rank_->key(), batch), 6);
  int lines = 0;
  for (const v1::Event& event : Events(job_.id())) lines += event.has_log_line() ? 1 : 0;
  EXPECT_EQ(lines, 6);
}

TEST_F(ReportsTest, AGapIsRefusedWhole) {
  v1::EventBatch batch;
  *batch.add_events() = Line(1);
  *batch.add_events() = Line(3);
  EXPECT_TRUE(absl::IsOutOfRange(jobs_->Report(rank_->key(), batch).status()));
  EXPECT_EQ(*jobs_->Report(rank_->key(), {}), 0);
}

TEST_F(ReportsTest, AForeignKindIsRefused) {
  v1::WorkerEvent event;
  event.mutable_event()->mutable_state_changed()->set_to(Job::SUCCEEDED);
  EXPECT_TRUE(absl::IsInvalidArgument(rank_->Send(event).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(rank_->Send({}).status()));
}

TEST_F(ReportsTest, OnlyTheCurrentAttemptIsHeard) {
  for (const executors::RankKey& key :
       std::vector<executors::RankKey>{{job_.id(), 1, rank_->key().fence + 1},
                                       {job_.id(), 2, rank_->key().fence},
                                       {"jother", 1, rank_->key().fence},
                                       {job_.id(), 1, 0}}) {
    PlayedRank other(*jobs_, *blobs_, key);
    EXPECT_FALSE(other.Attach().ok());
    EXPECT_FALSE(other.Progress(1).ok());
    EXPECT_FALSE(jobs_->CheckFence(key).ok());
    EXPECT_FALSE(jobs_->AssignedBlob(key, std::string(64, 'a')).ok());
  }
  EXPECT_TRUE(jobs_->CheckFence(rank_->key()).ok());
}

TEST_F(ReportsTest, AZombieChangesNothing) {
  ASSERT_TRUE(rank_->Progress(1).ok());
  executor_.Exit(rank_->key(), "lost");
  AwaitState(job_.id(), Job::QUEUED);
  const size_t before = Events(job_.id()).size();
  EXPECT_TRUE(absl::IsFailedPrecondition(rank_->Progress(2).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(rank_->Finish(RankFinished::DONE).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(rank_->Checkpoint("late", 4).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(store_->Read(jobs_->FenceGuard(rank_->key()))));
  EXPECT_EQ(Events(job_.id()).size(), before);
}

TEST_F(ReportsTest, ARepeatedLastWordIsAcknowledgedAgain) {
  ASSERT_TRUE(rank_->Finish(RankFinished::DONE).ok());
  const int64_t last = rank_->acked();
  EXPECT_EQ(*jobs_->Report(rank_->key(), {}), last);
  ASSERT_TRUE(rank_->Attach(true).ok());
  EXPECT_EQ(rank_->acked(), last);
  EXPECT_EQ(Get(job_.id()).state(), Job::SUCCEEDED);
}

TEST_F(ReportsTest, CheckpointsAreKeptUpToTheirNumber) {
  for (int step = 1; step <= 5; ++step)
    ASSERT_TRUE(rank_->Checkpoint("state " + std::to_string(step), step).ok());
  rank_->Detach();
  PlayedRank again(*jobs_, *blobs_, rank_->key());
  ASSERT_TRUE(again.Attach().ok());
  ASSERT_EQ(again.assignment()->checkpoints_size(), 2);
  EXPECT_EQ(again.assignment()->checkpoints(0).step(), 5);
  EXPECT_EQ(again.assignment()->checkpoints(1).step(), 4);
  EXPECT_EQ(blobs_->Collect()->marked, 3);
  EXPECT_TRUE(
      jobs_->AssignedBlob(rank_->key(), again.assignment()->checkpoints(0).blob().sha256()).ok());
}

TEST_F(ReportsTest, TheSameStateTwiceIsTwoCheckpointsOfOneBlob) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(rank_->Checkpoint("same", 7).ok());
  EXPECT_EQ(blobs_->Collect()->marked, 0);
}

TEST_F(ReportsTest, ACheckpointWithoutItsBlobIsRefused) {
  v1::WorkerEvent event;
  event.mutable_checkpoint_ready()->mutable_blob()->set_sha256(std::string(64, 'a'));
  EXPECT_TRUE(absl::IsFailedPrecondition(rank_->Send(event).status()));
}

TEST_F(ReportsTest, WeightsStayAndCheckpointsGoWhenAJobHasSucceeded) {
  ASSERT_TRUE(rank_->Checkpoint("state", 1).ok());
  ASSERT_TRUE(rank_->Finish(RankFinished::DONE).ok());
  EXPECT_EQ(blobs_->Collect()->marked, 1);
}

TEST_F(ReportsTest, CheckpointsGoHoweverAJobEnds) {
  ASSERT_TRUE(rank_->Checkpoint("state", 1).ok());
  ASSERT_TRUE(rank_->Finish(RankFinished::FAILED, "the loss is no number").ok());
  EXPECT_EQ(blobs_->Collect()->marked, 1);
}

TEST_F(ReportsTest, TheDatasetsBlobsAreAssigned) {
  Submission submission = NewSubmission();
  v1::Dataset& dataset = submission.datasets.emplace_back();
  dataset.set_name("digits");
  v1::BlobRef& ref = *dataset.add_splits()->add_columns()->mutable_blob();
  ref = *blobs_->Put(base::AsBytes("pixels"));
  const Job job = *jobs_->Submit(submission);
  const executors::RankKey key = executor_.AwaitStart(job.id()).key;
  EXPECT_EQ(jobs_->AssignedBlob(key, ref.sha256())->size(), 6);
  EXPECT_TRUE(absl::IsNotFound(jobs_->AssignedBlob(rank_->key(), ref.sha256()).status()));
}

TEST_F(ReportsTest, AnEndlessReasonIsCutBetweenCharacters) {
  std::string reason(4095, 'x');
  reason += "\xe2\x82\xac" + std::string(100'000, 'y');
  ASSERT_TRUE(rank_->Finish(RankFinished::FAILED, reason).ok());
  EXPECT_EQ(Get(job_.id()).reason(), std::string(4095, 'x'));
  EXPECT_EQ(Events(job_.id()).back().state_changed().reason(), std::string(4095, 'x'));
}

TEST_F(ReportsTest, ReportsBeforeAttachingAreRefused) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  EXPECT_TRUE(absl::IsFailedPrecondition(rank.Progress(1).status()));
}

}  // namespace
}  // namespace gradus::jobs
