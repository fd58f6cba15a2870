// SPDX-License-Identifier: Apache-2.0
// Jobs whose submission was acknowledged are there after any fault, once each, with their events
// and keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/store/codec.h"
#include "tests/robustness/fault_walk.h"

namespace gradus::robustness {
namespace {

constexpr char kUser[] = "ann";

// Six jobs that never start: more cores than the machine has. Every second one is paused, every
// third one cancelled.
class Submitting final : public Flow {
 public:
  absl::Status Go(StoredServer& server) override {
    RETURN_IF_ERROR(CheckNoHalves(server));
    for (const Submitted& job : jobs_) RETURN_IF_ERROR(CheckJob(server, job));
    for (int i = 0; i < kJobs; ++i) RETURN_IF_ERROR(SubmitOne(server, i));
    return absl::OkStatus();
  }

 private:
  static constexpr int kJobs = 6;

  // What the client was told.
  struct Submitted {
    std::string id;
    bool paused = false;
    bool cancelled = false;
  };

  static jobs::Submission SubmissionOf(int i) {
    jobs::Submission submission;
    submission.user = kUser;
    submission.request_id = absl::StrCat("submit ", i);
    submission.spec.set_name(absl::StrCat("job ", i));
    submission.spec.mutable_resources()->set_cores(3);
    submission.fingerprint = store::Fingerprint(submission.spec);
    submission.memory_bytes = 1 << 20;
    return submission;
  }

  absl::Status SubmitOne(StoredServer& server, int i) {
    ASSIGN_OR_RETURN(const v1::Job job, server.jobs().Submit(SubmissionOf(i)));
    const auto known = static_cast<size_t>(i) < jobs_.size();
    if (known) {
      EXPECT_EQ(job.id(), jobs_[static_cast<size_t>(i)].id) << "one key, two jobs";
    } else {
      jobs_.push_back({.id = job.id()});
      Acknowledged();
    }
    Submitted& submitted = jobs_[static_cast<size_t>(i)];
    if (i % 2 == 1 && !submitted.paused) {
      RETURN_IF_ERROR(server.jobs().Pause(kUser, job.id(), absl::StrCat("pause ", i)).status());
      submitted.paused = true;
      Acknowledged();
    }
    if (i % 3 == 2 && !submitted.cancelled) {
      RETURN_IF_ERROR(server.jobs().Cancel(kUser, job.id(), absl::StrCat("cancel ", i)).status());
      submitted.cancelled = true;
      Acknowledged();
    }
    return absl::OkStatus();
  }

  absl::Status CheckJob(StoredServer& server, const Submitted& told) {
    const absl::StatusOr<v1::Job> job = server.jobs().Get(told.id);
    EXPECT_FALSE(absl::IsNotFound(job.status())) << "an acknowledged job is lost";
    RETURN_IF_ERROR(job.status());
    using v1::Job;
    if (told.cancelled) {
      EXPECT_EQ(job->state(), Job::CANCELLED);
    } else if (told.paused) {
      EXPECT_THAT(job->state(), ::testing::AnyOf(Job::PAUSED, Job::CANCELLED));
    }
    ASSIGN_OR_RETURN(const events::Page page, server.events().Read(told.id, {}));
    for (size_t i = 0; i < page.events.size(); ++i) EXPECT_EQ(page.events[i].seq(), i + 1);
    EXPECT_FALSE(page.events.empty());
    if (!page.events.empty()) {
      EXPECT_EQ(page.events.front().state_changed().to(), Job::QUEUED);
      EXPECT_EQ(page.events.back().state_changed().to(), job->state());
    }
    return absl::OkStatus();
  }

  // All that one submission writes is there or nothing is; at most one was not acknowledged.
  absl::Status CheckNoHalves(StoredServer& server) {
    ASSIGN_OR_RETURN(const v1::ListJobsResponse all, server.jobs().List({}));
    EXPECT_GE(all.jobs_size(), static_cast<int>(jobs_.size()));
    EXPECT_LE(all.jobs_size(), static_cast<int>(jobs_.size()) + 1);
    for (const char* rows :
         {"event_logs", "events WHERE seq = 1", "request_keys WHERE method = 'SubmitJob'"}) {
      ASSIGN_OR_RETURN(const int64_t count, Count(server, rows));
      EXPECT_EQ(count, all.jobs_size()) << rows;
    }
    return absl::OkStatus();
  }

  static absl::StatusOr<int64_t> Count(StoredServer& server, const char* rows) {
    int64_t count = 0;
    RETURN_IF_ERROR(server.store().Read([&](store::ReadTx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const auto row,
                       tx.QueryOne<int64_t>(absl::StrCat("SELECT COUNT(*) FROM ", rows)));
      count = std::get<0>(*row);
      return absl::OkStatus();
    }));
    return count;
  }

  std::vector<Submitted> jobs_;
};

WalkReport WalkSubmits(Fault fault) {
  return Walk(fault, [] { return std::make_unique<Submitting>(); });
}

TEST(PowerCutSubmit, AnAcknowledgedJobSurvivesEveryPowerCut) {
  EXPECT_GT(WalkSubmits(Fault::kPowerCut).broken_off, 10);
}

TEST(PowerCutSubmit, AJobThatWasSeenAfterAKillSurvivesThePowerCutThatFollows) {
  EXPECT_GT(WalkSubmits(Fault::kKill).broken_off, 10);
}

TEST(PowerCutSubmit, NothingIsAcknowledgedAfterAFailedOperation) {
  EXPECT_GT(WalkSubmits(Fault::kEio).stopped, 10);
  EXPECT_GT(WalkSubmits(Fault::kEnospc).stopped, 10);
}

TEST(PowerCutSubmit, ALostSyncTakesNothingThatWasAcknowledged) {
  EXPECT_GT(WalkSubmits(Fault::kLostSync).stopped, 5);
}

}  // namespace
}  // namespace gradus::robustness
