// SPDX-License-Identifier: Apache-2.0
// Checkpoints of a run: when, of what, and who is told.
#include <utility>

#include "engine/base/status.h"
#include "engine/trainer/run.h"

namespace gradus::trainer {
namespace {

constexpr int64_t kNever = INT64_MAX;

int64_t SaveEveryMicros(const v1::Checkpoint& checkpoint) {
  const double seconds = checkpoint.has_every_seconds() ? checkpoint.every_seconds() : 60.0;
  return seconds > 0.0 ? static_cast<int64_t>(seconds * 1e6) : kNever;
}

}  // namespace

void TrainingRun::SetNextSave() {
  const int64_t every = SaveEveryMicros(inputs_.spec.fit().checkpoint());
  next_save_micros_ = every == kNever ? kNever : inputs_.clock->MonotonicMicros() + every;
}

bool TrainingRun::SaveIsDue(bool* by_steps) const {
  const int64_t every_steps = inputs_.spec.fit().checkpoint().every_steps();
  *by_steps = every_steps > 0 && position_.step % every_steps == 0;
  return *by_steps ||
         (next_save_micros_ != kNever && inputs_.clock->MonotonicMicros() >= next_save_micros_);
}

absl::Status TrainingRun::SaveIfDue() {
  if (!IsLeader()) return absl::OkStatus();
  if (writer_ != nullptr) RETURN_IF_ERROR(Tell(writer_->Take()));
  bool by_steps = false;
  if (!SaveIsDue(&by_steps)) return absl::OkStatus();
  // A disk that is slower than the seconds between checkpoints has fewer; one of a step is owed.
  if (writer_ != nullptr && writer_->busy() && !by_steps) return absl::OkStatus();
  return inputs_.save_aside ? BeginToSave() : Save();
}

absl::Status TrainingRun::BeginToSave() {
  const int64_t began = inputs_.clock->MonotonicMicros();
  if (writer_ == nullptr)
    writer_ = std::make_unique<CheckpointWriter>(*inputs_.files, inputs_.work_dir);
  RETURN_IF_ERROR(Tell(writer_->Await()));
  // The last good checkpoint must not be pushed out by one that holds a fault.
  if (!executable_->FirstNonFiniteWeight().empty()) return FailOnNonFinite();
  writer_->Begin(StateNow());
  AfterSaving(began);
  return absl::OkStatus();
}

absl::Status TrainingRun::Save() {
  RETURN_IF_ERROR(BeginToSave());
  const int64_t began = inputs_.clock->MonotonicMicros();
  RETURN_IF_ERROR(Tell(writer_->Await()));
  AfterSaving(began);
  return absl::OkStatus();
}

// Time that no step took is not counted to them.
void TrainingRun::AfterSaving(int64_t began_micros) {
  epoch_saving_micros_ += inputs_.clock->MonotonicMicros() - began_micros;
  SetNextSave();
  progress_.Restart();
}

absl::Status TrainingRun::Tell(std::optional<absl::StatusOr<CheckpointFile>> written) {
  if (!written.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const CheckpointFile file, *std::move(written));
  return callback_.OnCheckpoint(file);
}

Checkpoint TrainingRun::StateNow() const {
  return {.position = position_,
          .totals = totals_,
          .spec_digest = spec_digest_,
          .provenance = ProvenanceOfThis(),
          .weights = executable_->ExportWeights(),
          .slots = executable_->ExportSlots(),
          .optimizer_steps = executable_->optimizer_steps(),
          .callbacks = epoch_callbacks_.memory(),
          .best = best_epochs_.list()};
}

}  // namespace gradus::trainer
