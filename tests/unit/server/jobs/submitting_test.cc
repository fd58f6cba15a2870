// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "engine/base/file_ops.h"
#include "tests/support/history.h"
#include "tests/support/weights.h"
#include "tests/unit/server/jobs/jobs_fixture.h"

namespace gradus::jobs {
namespace {

using SubmittingTest = JobsFixture;
using v1::Job;

TEST_F(SubmittingTest, ASubmittedJobIsStoredWhole) {
  const Job job = Submit(2, 7);
  EXPECT_EQ(job.id().size(), 13u);
  EXPECT_EQ(job.id()[0], 'j');
  EXPECT_EQ(job.owner(), "alice");
  EXPECT_EQ(job.state(), Job::QUEUED);
  EXPECT_TRUE(job.has_queued_at());
  EXPECT_EQ(job.spec().resources().cores(), 2);
  EXPECT_EQ(Events(job.id()).at(0).state_changed().to(), Job::QUEUED);
  EXPECT_EQ(*jobs_->OwnerOf(job.id()), "alice");
}

TEST_F(SubmittingTest, ARetryGetsTheFirstAnswerWhateverHappenedSince) {
  const Submission submission = NewSubmission();
  const Job first = *jobs_->Submit(submission);
  AwaitState(first.id(), Job::STARTING);
  const Job again = *jobs_->Submit(submission);
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ((**jobs_->FindSubmitted("alice", submission.request_id, submission.fingerprint)).id(),
            first.id());
  EXPECT_EQ(jobs_->List({})->jobs_size(), 1);
}

TEST_F(SubmittingTest, AnotherSpecUnderTheSameKeyIsRefused) {
  Submission submission = NewSubmission();
  ASSERT_TRUE(jobs_->Submit(submission).ok());
  submission.fingerprint = "another";
  EXPECT_TRUE(absl::IsAlreadyExists(jobs_->Submit(submission).status()));
  EXPECT_TRUE(absl::IsAlreadyExists(
      jobs_->FindSubmitted("alice", submission.request_id, "another").status()));
  EXPECT_EQ(jobs_->List({})->jobs_size(), 1);
}

TEST_F(SubmittingTest, TwoUsersMayUseTheSameKey) {
  Submission submission = NewSubmission();
  const Job alices = *jobs_->Submit(submission);
  submission.user = "bob";
  EXPECT_NE(jobs_->Submit(submission)->id(), alices.id());
}

TEST_F(SubmittingTest, ARefusedSubmissionLeavesNothing) {
  Submission submission = NewSubmission();
  submission.still_valid = [](store::ReadTx&) {
    return absl::InvalidArgumentError("the dataset has gone");
  };
  EXPECT_TRUE(absl::IsInvalidArgument(jobs_->Submit(submission).status()));
  EXPECT_EQ(jobs_->List({})->jobs_size(), 0);
  submission.still_valid = nullptr;
  EXPECT_TRUE(jobs_->Submit(submission).ok());
}

// The model may be removed while the job waits.
TEST_F(SubmittingTest, TheWeightsThatAJobFoldsAreKeptUntilItsEnd) {
  const test_support::SmallWeights stored = test_support::WeightsOf("weights");
  const v1::BlobRef piece = *blobs_->Put(base::AsBytes(stored.piece));
  const v1::BlobRef weights = *blobs_->Put(base::AsBytes(stored.index));
  Submission submission = NewSubmission();
  submission.models.emplace_back().set_ref("net@1");
  *submission.models[0].mutable_index() = weights;
  const Job job = *jobs_->Submit(submission);
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  EXPECT_EQ(rank.assignment()->models(0).index().sha256(), weights.sha256());
  EXPECT_EQ(jobs_->AssignedBlob(rank.key(), piece.sha256())->size(), piece.size());
  EXPECT_EQ(jobs_->AssignedBlob(rank.key(), weights.sha256())->size(), weights.size());
  const auto collected = [&] {
    EXPECT_TRUE(blobs_->Collect().ok());
    clock_.Advance(store::kBlobGraceMicros + 1);
    EXPECT_TRUE(blobs_->Collect().ok());
    clock_.Advance(store::kBlobGraceMicros + 1);
    EXPECT_TRUE(blobs_->Collect().ok());
    return !*blobs_->Has(weights) && !*blobs_->Has(piece);
  };
  EXPECT_FALSE(collected());
  EXPECT_TRUE(*blobs_->Has(piece));
  ASSERT_TRUE(rank.Finish(v1::RankFinished::FAILED, "nothing to fold").ok());
  EXPECT_EQ(Get(job.id()).state(), Job::FAILED);
  EXPECT_TRUE(collected());
}

TEST_F(SubmittingTest, WeightsThatAreNotThereAreRefused) {
  Submission submission = NewSubmission();
  submission.models.emplace_back().mutable_index()->set_sha256(std::string(64, '0'));
  EXPECT_TRUE(absl::IsFailedPrecondition(jobs_->Submit(submission).status()));
  EXPECT_EQ(jobs_->List({})->jobs_size(), 0);
}

TEST_F(SubmittingTest, AUserHasALimitOfUnfinishedJobs) {
  StopJobs();
  options_.max_open_jobs = 2;
  StartJobs();
  const Job first = Submit(9);
  Submit(9);
  const absl::Status status = jobs_->Submit(NewSubmission()).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  ASSERT_TRUE(jobs_->Cancel("alice", first.id(), "c").ok());
  EXPECT_TRUE(jobs_->Submit(NewSubmission()).ok());
}

// 20 threads send each key twice, some at the same time: one job a key (G2).
TEST_F(SubmittingTest, ParallelRetriesMakeOneJobAKey) {
  constexpr int kKeys = 40;
  std::vector<Submission> submissions;
  for (int i = 0; i < kKeys; ++i) submissions.push_back(NewSubmission(9));
  test_support::SubmitHistory history;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kKeys; ++i) {
        const Submission& submission = submissions[(i + t / 2) % kKeys];
        history.Sent("alice", submission.request_id);
        const auto job = jobs_->Submit(submission);
        ASSERT_TRUE(job.ok()) << job.status();
        history.Acknowledged("alice", submission.request_id, job->id());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> ids;
  const auto listed = jobs_->List({.page_size = 1000});
  ASSERT_TRUE(listed.ok()) << listed.status();
  for (const Job& job : listed->jobs()) ids.insert(job.id());
  EXPECT_EQ(ids.size(), static_cast<size_t>(kKeys));
  EXPECT_THAT(history.Check(ids), ::testing::IsEmpty());
}

TEST_F(SubmittingTest, SteeringRetriesGetTheFirstAnswer) {
  const Job job = Submit(9);
  EXPECT_EQ(jobs_->Pause("alice", job.id(), "p1")->state(), Job::PAUSED);
  EXPECT_EQ(jobs_->Resume("alice", job.id(), "r1")->state(), Job::QUEUED);
  EXPECT_EQ(jobs_->Pause("alice", job.id(), "p1")->state(), Job::PAUSED);
  EXPECT_EQ(Get(job.id()).state(), Job::QUEUED);
  EXPECT_TRUE(absl::IsInvalidArgument(jobs_->Pause("alice", job.id(), "").status()));
}

TEST_F(SubmittingTest, SteeringAnUnknownOrFinishedJobIsRefused) {
  EXPECT_TRUE(absl::IsNotFound(jobs_->Cancel("alice", "jnone", "c0").status()));
  const Job job = Submit(9);
  EXPECT_EQ(jobs_->Cancel("alice", job.id(), "c1")->state(), Job::CANCELLED);
  EXPECT_TRUE(absl::IsFailedPrecondition(jobs_->Cancel("alice", job.id(), "c2").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(jobs_->Pause("alice", job.id(), "p2").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(jobs_->Resume("alice", job.id(), "r2").status()));
  EXPECT_EQ(Get(job.id()).reason(), "cancelled by alice");
}

TEST_F(SubmittingTest, ADatasetIsInUseUntilItsJobsEnd) {
  Submission submission = NewSubmission(9);
  submission.datasets.emplace_back().set_name("digits");
  const Job job = *jobs_->Submit(submission);
  const auto in_use = [&](const std::string& name) {
    bool used = false;
    EXPECT_TRUE(store_
                    ->Read([&](store::ReadTx& tx) -> absl::Status {
                      ASSIGN_OR_RETURN(used, DatasetInUse(tx, name));
                      return absl::OkStatus();
                    })
                    .ok());
    return used;
  };
  EXPECT_TRUE(in_use("digits"));
  EXPECT_FALSE(in_use("other"));
  ASSERT_TRUE(jobs_->Cancel("alice", job.id(), "c").ok());
  EXPECT_FALSE(in_use("digits"));
}

// G21, with room for a slow machine: the figures themselves are the benchmark's.
TEST_F(SubmittingTest, ThousandsOfQueuedJobsStayQuick) {
  StopJobs();
  options_.max_open_jobs = 100'000;
  StartJobs();
  constexpr int kJobs = 2000;
  for (int i = 0; i < kJobs; ++i) {
    const int cores = i < 2 ? 1 : 2;  // two run, the rest wait
    ASSERT_TRUE(jobs_->Submit(NewSubmission(cores)).ok());
  }
  Settle();
  const auto explained = jobs_->Explain(jobs_->List({.page_size = 1})->jobs(0).id());
  ASSERT_TRUE(explained.ok());
  EXPECT_EQ(explained->queue_position(), kJobs - 2);
  EXPECT_EQ(executor_.started(), 2);
}

}  // namespace
}  // namespace gradus::jobs
