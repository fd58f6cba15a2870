// SPDX-License-Identifier: Apache-2.0
// Jobs over a real store, with a turned clock, an executor without processes and ranks that a test
// plays itself.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/events/event_log.h"
#include "server/jobs/jobs.h"
#include "tests/support/fake_executor.h"
#include "tests/unit/server/store/store_fixture.h"

namespace gradus::jobs {

// One rank as the server hears it.
class PlayedRank {
 public:
  PlayedRank(Jobs& jobs, store::BlobStore& blobs, const executors::RankKey& key)
      : jobs_(jobs), blobs_(blobs), key_(key) {}

  absl::Status Attach(bool reattached = false);
  void Detach() { attachment_.reset(); }
  // The next command; waits for it.
  v1::Command::Action AwaitCommand();
  size_t commands() const;

  absl::StatusOr<int64_t> Send(v1::WorkerEvent event);
  absl::StatusOr<int64_t> Progress(int64_t step);
  absl::StatusOr<int64_t> Epoch(int64_t epoch, double loss, double accuracy);
  absl::StatusOr<int64_t> Checkpoint(const std::string& content, int64_t step);
  // Uploads weights first where it is DONE.
  absl::StatusOr<int64_t> Finish(v1::RankFinished::Outcome outcome, const std::string& reason = "");

  const executors::RankKey& key() const { return key_; }
  const std::optional<v1::Assignment>& assignment() const { return assignment_; }
  int64_t acked() const { return acked_; }
  int64_t next_seq() const { return next_seq_; }

 private:
  struct Inbox {
    mutable base::Mutex mu;
    base::CondVar arrived;
    std::vector<v1::Command::Action> commands ABSL_GUARDED_BY(mu);
    size_t taken ABSL_GUARDED_BY(mu) = 0;
  };

  Jobs& jobs_;
  store::BlobStore& blobs_;
  const executors::RankKey key_;
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::optional<v1::Assignment> assignment_;
  std::unique_ptr<Attachment> attachment_;
  int64_t acked_ = 0;
  int64_t next_seq_ = 1;
};

class JobsFixture : public store::StoreFixture {
 protected:
  void SetUp() override;
  void TearDown() override;

  void StartJobs();
  void StopJobs();
  // As after a kill -9 or a stop of the server: what the store and the executor hold stays.
  void Restart();

  Submission NewSubmission(int cores = 1, int priority = 0);
  v1::Job Submit(int cores = 1, int priority = 0);
  v1::Job Get(const std::string& id);
  // Waits for the state; fails the test after 20 s.
  v1::Job AwaitState(const std::string& id, v1::Job::State state);
  // Waits until the driver has done all that it was asked for.
  void Settle();
  PlayedRank RankOf(const std::string& id, int attempt = 1);
  std::vector<v1::Event> Events(const std::string& id);
  std::vector<std::string> States(const std::string& id);

  JobsOptions options_;
  test_support::FakeExecutor executor_;
  std::unique_ptr<events::EventLog> log_;
  std::unique_ptr<Jobs> jobs_;
  std::string publish_error_;
  int published_ = 0;
  int submissions_ = 0;
};

}  // namespace gradus::jobs
