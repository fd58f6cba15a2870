// SPDX-License-Identifier: Apache-2.0
#include "engine/base/status.h"
#include "server/jobs/job_row.h"
#include "tests/unit/server/jobs/jobs_fixture.h"

namespace gradus::jobs {
namespace {

using QueriesTest = JobsFixture;
using v1::Job;

TEST_F(QueriesTest, PagesAreNewestFirstAndComplete) {
  std::vector<std::string> ids;
  for (int i = 0; i < 7; ++i) ids.push_back(Submit(9).id());
  std::vector<std::string> listed;
  ListQuery query{.page_size = 3};
  do {
    const auto page = jobs_->List(query);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const Job& job : page->jobs()) {
      listed.push_back(job.id());
      EXPECT_FALSE(job.has_spec());
    }
    query.page_token = page->next_page_token();
  } while (!query.page_token.empty());
  EXPECT_EQ(listed, std::vector<std::string>(ids.rbegin(), ids.rend()));
}

TEST_F(QueriesTest, ListsByOwnerAndState) {
  const Job mine = Submit(9);
  Submission other = NewSubmission(9);
  other.user = "bob";
  const Job bobs = *jobs_->Submit(other);
  ASSERT_TRUE(jobs_->Cancel("alice", mine.id(), "c").ok());
  EXPECT_EQ(jobs_->List({.owner = "bob"})->jobs(0).id(), bobs.id());
  EXPECT_EQ(jobs_->List({.owner = "bob"})->jobs_size(), 1);
  EXPECT_EQ(jobs_->List({.states = {Job::CANCELLED, Job::FAILED}})->jobs(0).id(), mine.id());
  EXPECT_EQ(jobs_->List({.owner = "bob", .states = {Job::CANCELLED}})->jobs_size(), 0);
}

TEST_F(QueriesTest, BadPagesAreInvalid) {
  EXPECT_TRUE(absl::IsInvalidArgument(jobs_->List({.page_size = 1001}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(jobs_->List({.page_size = -1}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(jobs_->List({.page_token = "x' OR 1=1"}).status()));
}

TEST_F(QueriesTest, APageStaysBelowTheSizeOfAMessage) {
  constexpr int kJobs = 300;
  options_.max_open_jobs = kJobs;
  StopJobs();
  StartJobs();
  for (int i = 0; i < kJobs; ++i) Submit(9);
  ASSERT_TRUE(store_
                  ->Write([](store::Tx& tx) -> absl::Status {
                    ASSIGN_OR_RETURN(auto rows, tx.Query<std::string>("SELECT id FROM jobs"));
                    for (const auto& [id] : rows) {
                      ASSIGN_OR_RETURN(JobRow row, LoadJob(tx, id));
                      row.job.set_reason(std::string(4096, 'r'));
                      RETURN_IF_ERROR(SaveJob(tx, row));
                    }
                    return absl::OkStatus();
                  })
                  .ok());
  int listed = 0;
  ListQuery query{.page_size = 1000};
  do {
    const auto page = jobs_->List(query);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LT(page->ByteSizeLong(), 1U << 20);
    listed += page->jobs_size();
    query.page_token = page->next_page_token();
  } while (!query.page_token.empty());
  EXPECT_EQ(listed, kJobs);
}

TEST_F(QueriesTest, StatesThatAreNoneAreRefusedAndRepeatedOnesAreOne) {
  Submit(9);
  const std::vector<Job::State> many(1'000'000, Job::QUEUED);
  EXPECT_EQ(jobs_->List({.states = many})->jobs_size(), 1);
  for (const int state : {0, -1, 11, 1'000'000}) {
    const absl::Status refused = jobs_->List({.states = {static_cast<Job::State>(state)}}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  }
}

TEST_F(QueriesTest, MetricsAreASeriesAnEpochWithTheLaterAttemptsValue) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(rank.Epoch(0, 0.9, 0.1).ok());
  ASSERT_TRUE(rank.Epoch(1, 0.8, 0.2).ok());
  ASSERT_TRUE(rank.Epoch(1, 0.7, 0.3).ok());
  const auto all = jobs_->Metrics(job.id(), {});
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->series_size(), 2);
  EXPECT_EQ(all->series(0).name(), "accuracy");
  ASSERT_EQ(all->series(1).points_size(), 2);
  EXPECT_EQ(all->series(1).points(1).value(), 0.7);
  EXPECT_EQ(all->series(1).points(1).step(), 20);
  EXPECT_EQ(jobs_->Metrics(job.id(), {"loss"})->series_size(), 1);
  EXPECT_TRUE(absl::IsNotFound(jobs_->Metrics("jnone", {}).status()));
}

TEST_F(QueriesTest, ExplainTellsPlaceAndNeeds) {
  Submit(2);
  Settle();  // it has the cores before an urgent one can ask for them
  const Job second = Submit(2);
  const Job third = Submit(2);
  const Job urgent = Submit(2, 9);
  Settle();
  const auto explained = jobs_->Explain(third.id());
  ASSERT_TRUE(explained.ok());
  EXPECT_EQ(explained->state(), Job::QUEUED);
  EXPECT_EQ(explained->queue_position(), 3);
  EXPECT_EQ(explained->summary(), "It waits behind 2 other jobs.");
  EXPECT_NE(explained->details(0).find("2 cores"), std::string::npos) << explained->details(0);
  EXPECT_EQ(jobs_->Explain(urgent.id())->queue_position(), 1);
  EXPECT_EQ(jobs_->Explain(urgent.id())->summary(),
            "It is the next to start and waits for cores or memory.");
  EXPECT_TRUE(absl::IsNotFound(jobs_->Explain("jnone").status()));
}

TEST_F(QueriesTest, ExplainTellsWhatCanNeverStart) {
  const Job job = Submit(9);
  Settle();
  EXPECT_NE(jobs_->Explain(job.id())->summary().find("more than this server has"),
            std::string::npos);
  const Job small = Submit(1);
  EXPECT_EQ(executor_.AwaitStart(small.id()).key.job, small.id());
}

TEST_F(QueriesTest, ExplainTellsHowAttemptsEnded) {
  const Job job = Submit();
  executor_.Exit(executor_.AwaitStart(job.id()).key, "exited with 3");
  AwaitState(job.id(), Job::QUEUED);
  const auto explained = jobs_->Explain(job.id());
  ASSERT_TRUE(explained.ok());
  bool told = false;
  for (const std::string& detail : explained->details())
    told = told || detail == "attempt 1: worker exited with 3";
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace gradus::jobs
