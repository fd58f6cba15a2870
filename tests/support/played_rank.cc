// SPDX-License-Identifier: Apache-2.0
#include "tests/support/played_rank.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/status.h"
#include "tests/support/weights.h"

namespace gradus::test_support {

absl::Status PlayedRank::Attach(bool reattached, int64_t generation) {
  v1::Hello hello;
  hello.set_job_id(key_.job);
  hello.set_attempt(key_.attempt);
  hello.set_fence(key_.fence);
  hello.set_reattached(reattached);
  hello.set_generation(generation);
  ASSIGN_OR_RETURN(jobs::AttachReply reply,
                   jobs_.Attach(hello, [inbox = inbox_](const v1::AttachResponse& word) {
                     base::MutexLock lock(inbox->mu);
                     if (word.has_command()) inbox->commands.push_back(word.command().action());
                     if (word.has_meeting()) inbox->meetings.push_back(word.meeting());
                     if (word.kind_case() == v1::AttachResponse::KIND_NOT_SET) ++inbox->sent_away;
                     inbox->arrived.SignalAll();
                   }));
  attachment_ = std::move(reply.attachment);
  if (reply.assignment.has_value()) assignment_ = std::move(reply.assignment);
  acked_ = reply.acked;
  next_seq_ = acked_ + 1;
  return absl::OkStatus();
}

size_t PlayedRank::sent_away() const {
  base::MutexLock lock(inbox_->mu);
  return inbox_->sent_away;
}

v1::Command::Action PlayedRank::AwaitCommand() {
  base::MutexLock lock(inbox_->mu);
  const bool came = inbox_->arrived.WaitFor(inbox_->mu, std::chrono::seconds(20),
                                            [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(inbox_->mu) {
                                              return inbox_->commands.size() > inbox_->taken;
                                            });
  return came ? inbox_->commands[inbox_->taken++] : v1::Command::ACTION_UNSPECIFIED;
}

size_t PlayedRank::commands() const {
  base::MutexLock lock(inbox_->mu);
  return inbox_->commands.size();
}

std::optional<v1::Meeting> PlayedRank::meeting() const {
  base::MutexLock lock(inbox_->mu);
  if (inbox_->meetings.empty()) return std::nullopt;
  return inbox_->meetings.back();
}

absl::Status PlayedRank::Beat(const v1::Heartbeat& heartbeat) {
  return attachment_->Heard(heartbeat);
}

absl::StatusOr<int64_t> PlayedRank::Send(v1::WorkerEvent event) {
  if (event.worker_seq() == 0) event.set_worker_seq(next_seq_);
  v1::EventBatch batch;
  *batch.add_events() = std::move(event);
  ASSIGN_OR_RETURN(acked_, jobs_.Report(key_, batch));
  next_seq_ = acked_ + 1;
  return acked_;
}

absl::StatusOr<int64_t> PlayedRank::Progress(int64_t step) {
  v1::WorkerEvent event;
  event.mutable_event()->mutable_progress()->set_step(step);
  return Send(std::move(event));
}

absl::StatusOr<int64_t> PlayedRank::Epoch(int64_t epoch, double loss, double accuracy) {
  v1::WorkerEvent event;
  v1::EpochFinished& finished = *event.mutable_event()->mutable_epoch_finished();
  finished.set_epoch(epoch);
  finished.set_step((epoch + 1) * 10);
  (*finished.mutable_metrics())["loss"] = loss;
  (*finished.mutable_metrics())["accuracy"] = accuracy;
  finished.set_samples_per_second(1000);
  return Send(std::move(event));
}

absl::StatusOr<int64_t> PlayedRank::Checkpoint(const std::string& content, int64_t step) {
  v1::WorkerEvent event;
  ASSIGN_OR_RETURN(*event.mutable_checkpoint_ready()->mutable_blob(),
                   blobs_.Put(base::AsBytes(content)));
  event.mutable_checkpoint_ready()->set_step(step);
  return Send(std::move(event));
}

absl::StatusOr<int64_t> PlayedRank::BestCheckpoint(const std::string& content, int64_t step,
                                                   const std::vector<int64_t>& kept) {
  v1::WorkerEvent event;
  v1::BestCheckpointReady& ready = *event.mutable_best_checkpoint_ready();
  ASSIGN_OR_RETURN(*ready.mutable_checkpoint()->mutable_weights(), PutWeights(content));
  ready.mutable_checkpoint()->set_step(step);
  ready.mutable_checkpoint()->set_weights_sha256(absl::StrCat("weights after ", step));
  ready.mutable_kept_steps()->Assign(kept.begin(), kept.end());
  return Send(std::move(event));
}

absl::StatusOr<int64_t> PlayedRank::Finish(v1::RankFinished::Outcome outcome,
                                           const std::string& reason) {
  v1::WorkerEvent event;
  event.mutable_finished()->set_outcome(outcome);
  event.mutable_finished()->set_reason(reason);
  if (outcome == v1::RankFinished::DONE) {
    ASSIGN_OR_RETURN(*event.mutable_finished()->mutable_weights(),
                     PutWeights(absl::StrCat("weights of ", key_.job)));
    event.mutable_finished()->set_weights_sha256("abc");
  }
  return Send(std::move(event));
}

absl::StatusOr<v1::BlobRef> PlayedRank::PutWeights(const std::string& content) {
  const SmallWeights weights = WeightsOf(content);
  RETURN_IF_ERROR(blobs_.Put(base::AsBytes(weights.piece)).status());
  return blobs_.Put(base::AsBytes(weights.index));
}

}  // namespace gradus::test_support
