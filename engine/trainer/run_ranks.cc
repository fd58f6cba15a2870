// SPDX-License-Identifier: Apache-2.0
// A run that is one of several: meeting the others, and standing where the leader stands.
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/status.h"
#include "engine/trainer/run.h"

namespace gradus::trainer {
namespace {

// Steps after which ranks compare their weights: a pass over them costs little then.
constexpr int64_t kStepsBetweenChecks = 100;

}  // namespace

absl::Status TrainingRun::MeetRanks() {
  const v1::Fit& fit = inputs_.spec.fit();
  ranks_ = std::make_unique<Ranks>(*inputs_.workers,
                                   RanksOptions{.leader = inputs_.leader,
                                                .logical_shards = std::max(fit.logical_shards(), 1),
                                                .bf16 = fit.compress() == v1::BF16});
  return ranks_->Meet();
}

// Alone, a rank ends when it is asked to. Of several all end after the same step, the one with
// which the leader says that it was asked to; a rank that is asked by itself, or is to end at once,
// just leaves.
bool TrainingRun::EndAsked() const {
  const Control::Request request = control_.request();
  if (ranks_ == nullptr || ranks_->size() == 1 || ranks_->broken())
    return request != Control::Request::kNone;
  if (request == Control::Request::kCancel || (request != Control::Request::kNone && !IsLeader()))
    return true;
  return ranks_->ending();
}

void TrainingRun::AnnounceStep() {
  std::optional<uint64_t> checksum;
  if (position_.step % kStepsBetweenChecks == 0 && ranks_->size() > 1)
    checksum = executable_->WeightsChecksum();
  ranks_->Announce(control_.request(), position_.step, checksum);
}

absl::Status TrainingRun::ShareState() {
  const Provenance ours = ProvenanceOfThis();
  ASSIGN_OR_RETURN(std::optional<std::string> state,
                   ranks_->Share(has_state_ ? &position_ : nullptr,
                                 absl::StrCat(ours.isa, ", oneDNN ", ours.onednn),
                                 [this] { return EncodeCheckpoint(StateNow()); }));
  if (!state.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, ReadCheckpoint(base::AsBytes(*state)));
  state.reset();
  return TakeOver(checkpoint);
}

absl::Status TrainingRun::TakeOver(const Checkpoint& state) {
  has_state_ = false;
  RETURN_IF_ERROR(CheckPosition(state));
  position_ = state.position;
  epoch_callbacks_.Reset(stage().callbacks);
  RETURN_IF_ERROR(executable_->Reconfigure(SetupOf(stage()), /*keep_slots=*/false));
  SetTotalSteps(static_cast<size_t>(position_.stage));
  RETURN_IF_ERROR(TakeUp(state));
  has_state_ = true;
  return absl::OkStatus();
}

absl::Status TrainingRun::Regroup() {
  // They read for a share that may be another one.
  reader_.reset();
  validator_.reset();
  do {
    RETURN_IF_ERROR(ranks_->Meet());
    const double learning_rate = executable_->learning_rate();
    RETURN_IF_ERROR(executable_->Reconfigure(SetupOf(stage()), /*keep_slots=*/true));
    executable_->SetLearningRate(learning_rate);
    SetTotalSteps(static_cast<size_t>(position_.stage));
    const absl::Status shared = ShareState();
    if (!shared.ok() && !Broken()) return shared;
  } while (Broken());
  skipped_epochs_ = false;
  RETURN_IF_ERROR(CreateReaders());
  return PrepareKernels();
}

}  // namespace gradus::trainer
