// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/job_state.h"

#include "server/jobs/job_row.h"
#include "tests/unit/server/store/store_fixture.h"

namespace gradus::jobs {
namespace {

using v1::Job;

std::vector<Job::State> AllStates() {
  std::vector<Job::State> states;
  for (int i = 0; i < Job::State_descriptor()->value_count(); ++i) {
    states.push_back(static_cast<Job::State>(Job::State_descriptor()->value(i)->number()));
  }
  return states;
}

TEST(MayChangeTest, NothingLeadsOutOfAFinalState) {
  for (const Job::State from : AllStates()) {
    for (const Job::State to : AllStates()) {
      EXPECT_FALSE(IsFinal(from) && MayChange(from, to))
          << Job::State_Name(from) << " " << Job::State_Name(to);
    }
  }
}

TEST(MayChangeTest, EveryStateButTheFinalOnesLeadsOn) {
  for (const Job::State from : AllStates()) {
    bool any = false;
    for (const Job::State to : AllStates()) any = any || MayChange(from, to);
    EXPECT_NE(any, IsFinal(from)) << Job::State_Name(from);
  }
}

TEST(MayChangeTest, AnythingUnfinishedCanBeCancelled) {
  for (const Job::State from : AllStates()) {
    if (IsFinal(from) || from == Job::STATE_UNSPECIFIED) continue;
    EXPECT_TRUE(MayChange(from, Job::CANCELLING) || MayChange(from, Job::CANCELLED))
        << Job::State_Name(from);
  }
}

class ChangeStateTest : public store::StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    log_ = std::make_unique<events::EventLog>(store_.get(), &clock_);
    row_.job.set_id("j1");
    row_.number = 1;
    ASSERT_TRUE(store_
                    ->Write([&](store::Tx& tx) -> absl::Status {
                      RETURN_IF_ERROR(InsertJob(tx, row_, {}, {}));
                      return log_->Begin(tx, "j1");
                    })
                    .ok());
    ASSERT_TRUE(Change(Job::QUEUED).ok());
  }

  absl::Status Change(Job::State to) {
    return store_->Write([&](store::Tx& tx) -> absl::Status {
      if (HasAttempt(to) && row_.fence == 0) {
        row_.fence = 5;
        RETURN_IF_ERROR(tx.Execute(
            "INSERT INTO attempts (fence, job, attempt, handle, cpus, last_worker_seq, finished,"
            " started_at, ending) VALUES (5, 'j1', 1, '', '', 0, 0, 0, '')"));
      }
      return ChangeState(tx, *log_, clock_, row_, to, "because");
    });
  }

  JobRow row_;
  std::unique_ptr<events::EventLog> log_;
};

TEST_F(ChangeStateTest, RowAndEventChangeTogether) {
  ASSERT_TRUE(Change(Job::PAUSED).ok());
  const auto page = log_->Read("j1", {});
  ASSERT_EQ(page->events.size(), 2u);
  EXPECT_EQ(page->events[1].state_changed().from(), Job::QUEUED);
  EXPECT_EQ(page->events[1].state_changed().to(), Job::PAUSED);
  EXPECT_EQ(page->events[1].state_changed().reason(), "because");
  ASSERT_TRUE(store_
                  ->Read([&](store::ReadTx& tx) -> absl::Status {
                    ASSIGN_OR_RETURN(const JobRow row, LoadJob(tx, "j1"));
                    EXPECT_EQ(row.job.state(), Job::PAUSED);
                    EXPECT_EQ(row.job.reason(), "because");
                    return absl::OkStatus();
                  })
                  .ok());
}

TEST_F(ChangeStateTest, AForbiddenStepChangesNothing) {
  EXPECT_TRUE(absl::IsFailedPrecondition(Change(Job::SUCCEEDED)));
  EXPECT_EQ(log_->Read("j1", {})->events.size(), 1u);
}

TEST_F(ChangeStateTest, AFinalStateClosesTheLogAndTheFence) {
  ASSERT_TRUE(Change(Job::STARTING).ok());
  ASSERT_TRUE(Change(Job::RUNNING).ok());
  ASSERT_TRUE(Change(Job::FAILED).ok());
  EXPECT_EQ(row_.fence, 0);
  EXPECT_TRUE(row_.job.has_finished_at());
  EXPECT_TRUE(log_->Read("j1", {})->closed);
}

TEST_F(ChangeStateTest, RunningTimeAddsUpOverAttemptsAndIgnoresTheWallClock) {
  ASSERT_TRUE(Change(Job::STARTING).ok());
  clock_.Advance(1'000);
  ASSERT_TRUE(Change(Job::RUNNING).ok());
  clock_.Advance(10'000);
  clock_.JumpWall(-int64_t{86'400} * 1'000'000);
  ASSERT_TRUE(Change(Job::QUEUED).ok());
  EXPECT_EQ(row_.ran_micros, 10'000);
  EXPECT_EQ(row_.running_since, 0);
  clock_.Advance(5'000);
  EXPECT_EQ(row_.ran_micros, 10'000);
}

}  // namespace
}  // namespace gradus::jobs
