// SPDX-License-Identifier: Apache-2.0
// Two servers on one store: one leads, both serve users, and the lead can change hands.
#include <atomic>
#include <chrono>

#include "tests/unit/server/jobs/jobs_fixture.h"

namespace gradus::jobs {
namespace {

using v1::Job;

class SharingTest : public JobsFixture {
 protected:
  void SetUp() override {
    JobsFixture::SetUp();
    OpenOther();
    JobsParts parts = Parts();
    parts.store = other_store_ != nullptr ? other_store_.get() : store_.get();
    other_log_ = std::make_unique<events::EventLog>(parts.store, &clock_);
    parts.events = other_log_.get();
    parts.leader = [] { return "10.0.0.1:7077"; };
    parts.check_lead = [this](store::ReadTx&) -> absl::Status {
      return may_lead_ ? absl::OkStatus() : absl::AbortedError("another one leads");
    };
    parts.on_lead_lost = [this] { ++lost_; };
    JobsOptions options = options_;
    options.lead = false;
    auto jobs = Jobs::Start(parts, options);
    ASSERT_TRUE(jobs.ok()) << jobs.status();
    other_ = *std::move(jobs);
    heard_ = store_->Listen({.on_change =
                                 [this](const std::string& topic, const std::string& object) {
                                   if (topic == store::kJobTopic) jobs_->ChangedElsewhere(object);
                                 },
                             .on_missed = [this] { jobs_->ChangedElsewhere(""); }});
  }

  void TearDown() override {
    heard_.reset();
    other_.reset();
    other_log_.reset();
    other_store_.reset();
    JobsFixture::TearDown();
  }

  // Where the test's store can be shared, the other server has one of its own on the same database.
  void OpenOther() {
    if (!store_->shared()) return;
    auto store =
        store::Store::Open({.url = database_.url(), .files = &base::RealFiles(), .clock = &clock_});
    ASSERT_TRUE(store.ok()) << store.status();
    other_store_ = *std::move(store);
  }

  // A job that came in at the server that follows.
  Job SubmitToOther() {
    const auto job = other_->Submit(NewSubmission());
    EXPECT_TRUE(job.ok()) << job.status();
    // On one store there is nobody to tell it.
    if (!store_->shared()) jobs_->ChangedElsewhere(job->id());
    return job.ok() ? *job : Job();
  }

  std::unique_ptr<store::Store> other_store_;
  std::unique_ptr<events::EventLog> other_log_;
  std::unique_ptr<Jobs> other_;
  std::unique_ptr<store::Announcements> heard_;
  std::atomic<bool> may_lead_ = true;
  std::atomic<int> lost_ = 0;
};

TEST_F(SharingTest, AJobThatCameInElsewhereIsStarted) {
  const Job job = SubmitToOther();
  EXPECT_EQ(executor_.AwaitStart(job.id()).key.job, job.id());
  EXPECT_EQ(other_->Get(job.id())->state(), Job::STARTING);
}

TEST_F(SharingTest, ACancelElsewhereReachesTheRank) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(other_->Cancel("alice", job.id(), "cancel").ok());
  if (!store_->shared()) jobs_->ChangedElsewhere(job.id());
  EXPECT_EQ(rank.AwaitCommand(), v1::Command::CANCEL);
}

TEST_F(SharingTest, ARankIsSentToTheServerThatLeads) {
  const Job job = Submit();
  const executors::RankKey key = executor_.AwaitStart(job.id()).key;
  PlayedRank rank(*other_, *blobs_, key);
  const absl::Status refused = rank.Attach();
  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr("10.0.0.1:7077"));
  EXPECT_EQ(Get(job.id()).state(), Job::STARTING);
}

TEST_F(SharingTest, WhoTakesTheLeadKeepsLivingRanks) {
  const Job job = Submit();
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  ASSERT_TRUE(rank.Progress(1).ok());
  jobs_->Follow();
  EXPECT_EQ(rank.sent_away(), 1U) << "its stream is told to end";
  EXPECT_TRUE(absl::IsUnavailable(rank.Progress(2).status())) << "it has to go where the lead is";
  rank.Detach();
  ASSERT_TRUE(other_->Lead().ok());
  PlayedRank again(*other_, *blobs_, rank.key());
  ASSERT_TRUE(again.Attach(true).ok());
  EXPECT_EQ(again.acked(), 1);
  EXPECT_TRUE(again.Progress(2).ok());
  EXPECT_EQ(executor_.started(), 1);
  const Job next = Submit();
  other_->ChangedElsewhere(next.id());
  EXPECT_EQ(executor_.AwaitStart(next.id()).key.job, next.id());
  other_->Follow();
  ASSERT_TRUE(jobs_->Lead().ok());
}

TEST_F(SharingTest, WhoHasLostTheLeadUnawaresStartsNothing) {
  jobs_->Follow();
  ASSERT_TRUE(other_->Lead().ok());
  may_lead_ = false;
  const Job job = SubmitToOther();
  other_->Settle();
  EXPECT_EQ(executor_.started(), 0);
  EXPECT_EQ(Get(job.id()).state(), Job::QUEUED);
  EXPECT_GT(lost_, 0);
  other_->Follow();
  ASSERT_TRUE(jobs_->Lead().ok());
  EXPECT_EQ(executor_.AwaitStart(job.id()).key.job, job.id());
}

TEST_F(SharingTest, WatchersHereSeeEventsOfThere) {
  if (!store_->shared()) GTEST_SKIP() << "GRADUS_TEST_STORE names no server";
  base::Mutex mu;
  base::CondVar changed;
  bool listens = false;
  int woken = 0;
  const auto announcements = other_store_->Listen(
      {.on_change = [this](const std::string&, const std::string& id) { other_log_->Wake(id); },
       .on_missed =
           [&] {
             base::MutexLock lock(mu);
             listens = true;
             changed.SignalAll();
           }});
  const Job job = Submit();
  const auto subscription = other_log_->Subscribe(job.id(), [&] {
    base::MutexLock lock(mu);
    ++woken;
    changed.SignalAll();
  });
  const auto seen = [&] {
    const auto page = other_log_->Read(job.id(), {});
    return page.ok() ? page->events.size() : 0;
  };
  {
    base::MutexLock lock(mu);
    ASSERT_TRUE(changed.WaitFor(mu, std::chrono::seconds(20), [&] { return listens; }));
  }
  PlayedRank rank = RankOf(job.id());
  ASSERT_TRUE(rank.Attach().ok());
  const size_t wanted = Events(job.id()).size();
  base::MutexLock lock(mu);
  EXPECT_TRUE(changed.WaitFor(mu, std::chrono::seconds(20), [&] { return woken > 0; }));
  EXPECT_EQ(seen(), wanted);
}

}  // namespace
}  // namespace gradus::jobs
