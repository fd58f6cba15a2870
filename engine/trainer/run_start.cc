// SPDX-License-Identifier: Apache-2.0
// Everything before the first step of a run: checks, kernels, data, the checkpoint to go on from.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/start_plan.h"
#include "engine/trainer/adaptation.h"
#include "engine/trainer/run.h"
#include "engine/trainer/weights_file.h"
#include "engine/training/optimizers/settings.h"

namespace gradus::trainer {
namespace {

int CoresOf(const v1::JobSpec& spec) { return std::max(spec.resources().cores(), 1); }
int ShardsOf(const v1::JobSpec& spec) { return std::max(spec.fit().logical_shards(), 1); }

// What a blob's opener or a checkpoint's reader says of one that is no longer whole; the one before
// it may be.
bool IsDamage(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsNotFound(status);
}

}  // namespace

absl::Status TrainingRun::Start() {
  absl::StatusOr<graph::Graph> graph = graph::Graph::Create(inputs_.spec.model());
  if (!graph.ok()) return base::InField(graph.status(), "model");
  graph_ = *std::move(graph);
  ASSIGN_OR_RETURN(stages_,
                   graph::PlanStages(*graph_, inputs_.spec.optimizer(), inputs_.spec.fit()));
  spec_digest_ = SpecDigest(inputs_.spec, inputs_.datasets);

  // All that takes long, before others would wait for it.
  ASSIGN_OR_RETURN(views_, OpenViews(inputs_, *graph_));
  std::optional<Checkpoint> checkpoint;
  if (inputs_.leader) {
    ASSIGN_OR_RETURN(checkpoint, FindCheckpoint());
  }
  if (inputs_.workers != nullptr) RETURN_IF_ERROR(MeetRanks());
  if (checkpoint.has_value()) position_ = checkpoint->position;
  epoch_callbacks_.Reset(stage().callbacks);
  ASSIGN_OR_RETURN(executable_, plan::Executable::Create(*graph_, SetupOf(stage())));
  steps_per_epoch_ = (views_.train->rows() + batch_size() - 1) / batch_size();
  SetTotalSteps(static_cast<size_t>(position_.stage));

  if (checkpoint.has_value()) {
    RETURN_IF_ERROR(TakeUp(*checkpoint));
  } else {
    if (IsLeader()) RETURN_IF_ERROR(SetStartWeights());
    totals_ = executable_->StartTotals(views_.train->rows());
  }
  has_state_ = IsLeader();
  if (ranks_ != nullptr) {
    const absl::Status shared = ShareState();
    if (!shared.ok()) return Broken() ? Regroup() : shared;
  }
  RETURN_IF_ERROR(CreateReaders());
  return PrepareKernels();
}

absl::Status TrainingRun::SetStartWeights() {
  executable_->InitializeWeights(inputs_.spec.fit().seed());
  RETURN_IF_ERROR(AdaptLayers(*views_.train, *executable_));
  return inputs_.models.empty() ? absl::OkStatus() : TakePublishedWeights();
}

// What the start plan says, and an event that tells it.
absl::Status TrainingRun::TakePublishedWeights() {
  std::map<std::string, graph::PublishedTensors> shapes;
  std::map<std::string, std::vector<float>> values;
  const std::set<std::string> wanted = graph::TensorsTaken(*graph_);
  for (const auto& [ref, index] : inputs_.models) {
    ASSIGN_OR_RETURN(shapes[ref], ReadShapes(inputs_.open_blob, index));
    ASSIGN_OR_RETURN(std::vector<plan::NamedTensor> tensors,
                     ReadWeights(inputs_.open_blob, index, [&, ref = ref](const std::string& name) {
                       return wanted.contains(absl::StrCat(ref, "/", name));
                     }));
    for (plan::NamedTensor& tensor : tensors)
      values[absl::StrCat(ref, "/", tensor.name)] = std::move(tensor.values);
  }
  const absl::StatusOr<std::vector<v1::TensorStart>> plan = graph::PlanStart(*graph_, shapes);
  RETURN_IF_ERROR(base::InField(plan.status(), "model"));
  const graph::PublishedTensors own = graph::TensorsOf(*graph_);
  std::vector<plan::NamedTensor> taken;
  for (const v1::TensorStart& start : *plan) {
    if (start.start() == v1::TensorStart::LOADED)
      taken.push_back({start.tensor(), own.at(start.tensor()), values.at(start.from())});
  }
  RETURN_IF_ERROR(executable_->ImportWeights(taken));
  callback_.OnEvent(WeightsTakenEvent(*plan));
  return absl::OkStatus();
}

void TrainingRun::SetTotalSteps(size_t stage) {
  executable_->SetTotalSteps(graph::EpochsOfOptimizer(stages_, stage) * steps_per_epoch_);
}

plan::TrainSetup TrainingRun::SetupOf(const graph::StagePlan& stage) const {
  const v1::JobSpec& spec = inputs_.spec;
  v1::Optimizer optimizer = stage.optimizer;
  // A search tries rates of its own.
  if (Finds()) optimizers::ClearSchedule(optimizer);
  return {.loss = spec.loss(),
          .optimizer = std::move(optimizer),
          .metrics = {spec.metrics().begin(), spec.metrics().end()},
          .outputs = {spec.outputs().begin(), spec.outputs().end()},
          .batch_size = batch_size(),
          .logical_shards = ShardsOf(spec),
          .exchange = ranks_ == nullptr ? nullptr : ranks_->exchange(),
          .cores = CoresOf(spec),
          .cpus = inputs_.cpus.size() == static_cast<size_t>(CoresOf(spec)) ? inputs_.cpus
                                                                            : std::vector<int>(),
          .trainable = stage.trainable,
          .rate_factors = stage.rate_factors,
          .seed = spec.fit().seed()};
}

Provenance TrainingRun::ProvenanceOfThis() const {
  const plan::Fingerprint engine = plan::EngineFingerprint();
  return {engine.isa, engine.onednn, CoresOf(inputs_.spec)};
}

absl::StatusOr<Checkpoint> TrainingRun::OpenCheckpoint(const v1::BlobRef& ref) const {
  ASSIGN_OR_RETURN(const std::shared_ptr<const base::MappedFile> file, inputs_.open_blob(ref));
  ASSIGN_OR_RETURN(Checkpoint checkpoint, ReadCheckpoint(file->bytes()));
  RETURN_IF_ERROR(CheckPosition(checkpoint));
  return checkpoint;
}

// The newest checkpoint that is whole.
absl::StatusOr<std::optional<Checkpoint>> TrainingRun::FindCheckpoint() {
  for (const v1::BlobRef& ref : inputs_.checkpoints) {
    absl::StatusOr<Checkpoint> checkpoint = OpenCheckpoint(ref);
    if (checkpoint.ok()) return *std::move(checkpoint);
    if (!IsDamage(checkpoint.status())) return checkpoint.status();
    SendLogLine(callback_, v1::LogLine::WARNING,
                absl::StrCat("checkpoint ", ref.sha256(), " cannot be used (",
                             checkpoint.status().message(), "): trying the one before it"));
  }
  if (!inputs_.checkpoints.empty())
    SendLogLine(callback_, v1::LogLine::WARNING, "no checkpoint can be used: the run starts anew");
  return std::nullopt;
}

absl::Status TrainingRun::CheckPosition(const Checkpoint& checkpoint) const {
  if (checkpoint.spec_digest != spec_digest_) {
    return absl::FailedPreconditionError(
        absl::StrCat("the checkpoint belongs to another job: its spec and data have digest ",
                     checkpoint.spec_digest, ", this job's ", spec_digest_));
  }
  const Position& at = checkpoint.position;
  if (static_cast<size_t>(at.stage) >= stages_.size() ||
      at.epoch < stages_[static_cast<size_t>(at.stage)].first_epoch ||
      at.epoch > stages_[static_cast<size_t>(at.stage)].end_epoch) {
    return absl::DataLossError("the checkpoint's position is not one of this job");
  }
  return absl::OkStatus();
}

absl::Status TrainingRun::TakeUp(const Checkpoint& checkpoint) {
  if (checkpoint.position.step_in_epoch > steps_per_epoch_ ||
      checkpoint.totals.rows > views_.train->rows() ||
      !executable_->metrics().Fit(checkpoint.totals.metrics, checkpoint.totals.rows))
    return absl::DataLossError("the checkpoint's position is not one of this job");
  RETURN_IF_ERROR(executable_->ImportWeights(checkpoint.weights));
  RETURN_IF_ERROR(executable_->ImportSlots(checkpoint.slots));
  executable_->SetOptimizerSteps(checkpoint.optimizer_steps);
  executable_->SetRunSteps(checkpoint.position.step);
  RETURN_IF_ERROR(epoch_callbacks_.Restore(checkpoint.callbacks, *executable_));
  RETURN_IF_ERROR(best_epochs_.Restore(checkpoint.best));
  totals_ = checkpoint.totals;
  executable_->metrics().Reserve(totals_.metrics, views_.train->rows());
  SendLogLine(callback_, v1::LogLine::INFO, absl::StrCat("goes on after step ", position_.step));
  WarnOfOtherProvenance(checkpoint.provenance);
  return absl::OkStatus();
}

void TrainingRun::WarnOfOtherProvenance(const Provenance& theirs) {
  const Provenance ours = ProvenanceOfThis();
  std::string differs;
  if (theirs.isa != ours.isa)
    absl::StrAppend(&differs, " instruction set ", theirs.isa, ", now ", ours.isa, ";");
  if (theirs.onednn != ours.onednn)
    absl::StrAppend(&differs, " oneDNN ", theirs.onednn, ", now ", ours.onednn, ";");
  // With shards the bits do not depend on who computes them.
  if (theirs.threads != ours.threads && ShardsOf(inputs_.spec) == 1) {
    absl::StrAppend(&differs, " ", theirs.threads, " threads, now ", ours.threads, ";");
  }
  if (differs.empty()) return;
  differs.pop_back();
  SendLogLine(
      callback_, v1::LogLine::WARNING,
      absl::StrCat("the checkpoint was made with", differs,
                   ": the final weights may differ in their last bits from an undisturbed run"));
}

// The shards whose rows are wanted here; none where all are.
base::ShardRange TrainingRun::Share() const {
  return ranks_ == nullptr || ranks_->size() == 1 ? base::ShardRange() : ranks_->share();
}

absl::StatusOr<std::unique_ptr<Evaluator>> TrainingRun::CreateEvaluator(
    const std::shared_ptr<const data::View>& view) const {
  return Evaluator::Create(view, {.batch_size = batch_size(),
                                  .logical_shards = ShardsOf(inputs_.spec),
                                  .share = Share(),
                                  .cpus = inputs_.cpus});
}

absl::Status TrainingRun::CreateReaders() {
  // As many epochs as a search has steps are never too few for it.
  const int64_t end_epoch = Finds() ? inputs_.spec.find_learning_rate().steps() : total_epochs();
  if (position_.epoch < end_epoch) {
    const v1::Fit& fit = inputs_.spec.fit();
    ASSIGN_OR_RETURN(reader_, data::BatchReader::Create(
                                  views_.train, {.batch_size = batch_size(),
                                                 .shuffle = !fit.has_shuffle() || fit.shuffle(),
                                                 .seed = fit.seed(),
                                                 .first_epoch = position_.epoch,
                                                 .first_step = position_.step_in_epoch,
                                                 .end_epoch = end_epoch,
                                                 .logical_shards = ShardsOf(inputs_.spec),
                                                 .share = Share(),
                                                 .cpus = inputs_.cpus}));
    if (views_.validation != nullptr) {
      ASSIGN_OR_RETURN(validator_, CreateEvaluator(views_.validation));
    }
  }
  return absl::OkStatus();
}

// All sizes of batches that will come, so that no step compiles.
absl::Status TrainingRun::PrepareKernels() {
  const auto prepare = [&](const data::View& view, bool training) -> absl::Status {
    if (view.rows() >= batch_size()) RETURN_IF_ERROR(executable_->Prepare(batch_size(), training));
    const int64_t rest = view.rows() % batch_size();
    return rest == 0 ? absl::OkStatus() : executable_->Prepare(rest, training);
  };
  if (position_.epoch == total_epochs() && !Finds()) return absl::OkStatus();
  RETURN_IF_ERROR(prepare(*views_.train, true));
  return views_.validation == nullptr ? absl::OkStatus() : prepare(*views_.validation, false);
}

absl::Status TrainingRun::Configure(size_t stage) {
  const graph::StagePlan& plan = stages_[stage];
  RETURN_IF_ERROR(executable_->Reconfigure(SetupOf(plan), plan.keeps_slots));
  SetTotalSteps(stage);
  return PrepareKernels();
}

}  // namespace gradus::trainer
