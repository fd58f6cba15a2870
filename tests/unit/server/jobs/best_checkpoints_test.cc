// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/best_checkpoints.h"

#include <gmock/gmock.h>

#include "tests/unit/server/jobs/jobs_fixture.h"

namespace gradus::jobs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using v1::Job;
using v1::RankFinished;

class BestCheckpointsTest : public JobsFixture {
 protected:
  void SetUp() override {
    JobsFixture::SetUp();
    Begin("net");
  }
  void TearDown() override {
    rank_.reset();
    JobsFixture::TearDown();
  }

  void Begin(const std::string& model) {
    Submission submission = NewSubmission();
    submission.spec.mutable_fit()->mutable_checkpoint()->set_keep_best(2);
    submission.spec.mutable_publish()->set_model(model);
    const auto job = jobs_->Submit(submission);
    ASSERT_TRUE(job.ok()) << job.status();
    id_ = job->id();
    rank_.emplace(RankOf(id_));
    ASSERT_TRUE(rank_->Attach().ok());
  }
  void Report(int64_t step, const std::vector<int64_t>& kept) {
    const auto acked = rank_->BestCheckpoint("state " + std::to_string(step), step, kept);
    ASSERT_TRUE(acked.ok()) << acked.status();
  }
  std::vector<int64_t> Steps() {
    const Job job = Get(id_);
    std::vector<int64_t> steps;
    for (const v1::BestCheckpoint& best : job.best_checkpoints()) steps.push_back(best.step());
    return steps;
  }
  absl::StatusOr<v1::PublishCheckpointResponse> Publish(int64_t step, const std::string& model = "",
                                                        const std::string& request_id = "p") {
    v1::PublishCheckpointRequest request;
    request.set_id(id_);
    request.set_step(step);
    request.set_model(model);
    request.set_request_id(request_id);
    return jobs_->PublishCheckpoint("alice", request);
  }

  std::string id_;
  std::optional<PlayedRank> rank_;
};

TEST_F(BestCheckpointsTest, ThoseThatTheRankNamesAreKeptInItsOrder) {
  Report(10, {10});
  Report(20, {20, 10});
  EXPECT_THAT(Steps(), ElementsAre(20, 10));
  Report(30, {20, 30});
  EXPECT_THAT(Steps(), ElementsAre(20, 30));
  EXPECT_EQ(blobs_->Collect()->marked, 1) << "that of step 10";
}

TEST_F(BestCheckpointsTest, NoMoreAreKeptThanTheJobAskedFor) {
  Report(10, {10});
  Report(20, {20, 10});
  Report(30, {30, 20, 10});
  EXPECT_THAT(Steps(), ElementsAre(30, 20));
}

TEST_F(BestCheckpointsTest, ARunThatGoesOnFromAnEarlierStateTellsOfTheSameAgain) {
  Report(10, {10});
  Report(20, {20, 10});
  Report(30, {30, 20});
  Report(20, {20, 10});  // 30 is of steps that are lost, 10 was let go in them
  EXPECT_THAT(Steps(), ElementsAre(20));
  Report(30, {30, 20});
  EXPECT_THAT(Steps(), ElementsAre(30, 20));
  EXPECT_EQ(blobs_->Collect()->marked, 1);
}

TEST_F(BestCheckpointsTest, TheyStayHoweverTheJobEndsAndWhenTheServerStartsAgain) {
  Report(10, {10});
  ASSERT_TRUE(rank_->Checkpoint("state", 12).ok());
  ASSERT_TRUE(rank_->Finish(RankFinished::FAILED, "the loss is no number").ok());
  EXPECT_EQ(Get(id_).state(), Job::FAILED);
  rank_.reset();
  Restart();
  EXPECT_THAT(Steps(), ElementsAre(10));
  EXPECT_EQ(blobs_->Collect()->marked, 1) << "the last checkpoint's alone";
}

TEST_F(BestCheckpointsTest, TheNextAttemptGoesOnFromTheLastCheckpointsAndKeepsTheBest) {
  Report(10, {10});
  ASSERT_TRUE(rank_->Checkpoint("state", 12).ok());
  executor_.Exit(rank_->key(), "lost");
  AwaitState(id_, Job::QUEUED);
  clock_.Advance(60'000'000);
  rank_.emplace(RankOf(id_, 2));
  ASSERT_TRUE(rank_->Attach().ok());
  ASSERT_EQ(rank_->assignment()->checkpoints_size(), 1);
  EXPECT_EQ(rank_->assignment()->checkpoints(0).step(), 12);
  Report(20, {10, 20});
  EXPECT_THAT(Steps(), ElementsAre(10, 20));
}

TEST_F(BestCheckpointsTest, OneWithoutItsBlobIsRefused) {
  v1::WorkerEvent event;
  v1::BestCheckpointReady& ready = *event.mutable_best_checkpoint_ready();
  ready.mutable_checkpoint()->set_step(10);
  ready.mutable_checkpoint()->mutable_weights()->set_sha256(std::string(64, 'a'));
  ready.add_kept_steps(10);
  EXPECT_TRUE(absl::IsFailedPrecondition(rank_->Send(event).status()));
  EXPECT_THAT(Steps(), IsEmpty());
}

TEST_F(BestCheckpointsTest, ListsLeaveThemOut) {
  Report(10, {10});
  const auto page = jobs_->List({});
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(page->jobs(0).best_checkpoints(), IsEmpty());
}

TEST_F(BestCheckpointsTest, OneIsPublishedWhileTheJobRunsOrLater) {
  Report(10, {10});
  Report(20, {10, 20});
  EXPECT_EQ(Publish(0)->model(), "net@1");
  EXPECT_EQ(published_weights_, "weights after 10") << "the best one";
  ASSERT_TRUE(rank_->Finish(RankFinished::FAILED, "no number").ok());
  EXPECT_EQ(Publish(20, "other", "q")->model(), "other@2");
  EXPECT_EQ(published_weights_, "weights after 20");
  EXPECT_EQ(Get(id_).published(), "") << "that is what the job itself publishes";
}

TEST_F(BestCheckpointsTest, ARetryGetsTheFirstAnswer) {
  Report(10, {10});
  EXPECT_EQ(Publish(10)->model(), "net@1");
  EXPECT_EQ(Publish(10)->model(), "net@1");
  EXPECT_EQ(published_, 1);
  EXPECT_TRUE(absl::IsAlreadyExists(Publish(10, "other").status()));
}

TEST_F(BestCheckpointsTest, WhatIsNotKeptIsNotPublished) {
  EXPECT_TRUE(absl::IsNotFound(Publish(0).status()));
  Report(10, {10});
  const absl::Status status = Publish(11).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("those that it keeps are of 10"));
  EXPECT_TRUE(absl::IsInvalidArgument(Publish(10, "no name").status()));
  EXPECT_EQ(published_, 0);
}

TEST_F(BestCheckpointsTest, AJobThatPublishesNothingNeedsAModelsName) {
  Begin("");
  Report(10, {10});
  EXPECT_TRUE(absl::IsInvalidArgument(Publish(10).status()));
  EXPECT_EQ(Publish(10, "net", "q")->model(), "net@1");
}

}  // namespace
}  // namespace gradus::jobs
