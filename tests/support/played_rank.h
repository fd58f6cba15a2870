// SPDX-License-Identifier: Apache-2.0
// A rank without a process: a test says what it tells the server.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/mutex.h"
#include "server/jobs/jobs.h"

namespace gradus::test_support {

// One rank as the server hears it.
class PlayedRank {
 public:
  PlayedRank(jobs::Jobs& jobs, store::BlobStore& blobs, const executors::RankKey& key)
      : jobs_(jobs), blobs_(blobs), key_(key) {}

  absl::Status Attach(bool reattached = false, int64_t generation = 0);
  void Detach() { attachment_.reset(); }
  // The next command; waits for it.
  v1::Command::Action AwaitCommand();
  size_t commands() const;
  // How many streams it was told to end.
  size_t sent_away() const;
  // The newest that it was called to.
  std::optional<v1::Meeting> meeting() const;
  absl::Status Beat(const v1::Heartbeat& heartbeat);

  absl::StatusOr<int64_t> Send(v1::WorkerEvent event);
  absl::StatusOr<int64_t> Progress(int64_t step);
  absl::StatusOr<int64_t> Epoch(int64_t epoch, double loss, double accuracy);
  absl::StatusOr<int64_t> Checkpoint(const std::string& content, int64_t step);
  // The weights after `step`; `kept`: best first.
  absl::StatusOr<int64_t> BestCheckpoint(const std::string& content, int64_t step,
                                         const std::vector<int64_t>& kept);
  // Uploads weights first where it is DONE.
  absl::StatusOr<int64_t> Finish(v1::RankFinished::Outcome outcome, const std::string& reason = "");

  const executors::RankKey& key() const { return key_; }
  const std::optional<v1::Assignment>& assignment() const { return assignment_; }
  int64_t acked() const { return acked_; }
  int64_t next_seq() const { return next_seq_; }

 private:
  // Stores weights made of `content`.
  absl::StatusOr<v1::BlobRef> PutWeights(const std::string& content);

  struct Inbox {
    mutable base::Mutex mu;
    base::CondVar arrived;
    std::vector<v1::Command::Action> commands ABSL_GUARDED_BY(mu);
    std::vector<v1::Meeting> meetings ABSL_GUARDED_BY(mu);
    size_t taken ABSL_GUARDED_BY(mu) = 0;
    size_t sent_away ABSL_GUARDED_BY(mu) = 0;
  };

  jobs::Jobs& jobs_;
  store::BlobStore& blobs_;
  const executors::RankKey key_;
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::optional<v1::Assignment> assignment_;
  std::unique_ptr<jobs::Attachment> attachment_;
  int64_t acked_ = 0;
  int64_t next_seq_ = 1;
};

}  // namespace gradus::test_support
