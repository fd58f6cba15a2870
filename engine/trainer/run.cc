// SPDX-License-Identifier: Apache-2.0
// Stages, epochs, steps, and what is looked at between them.
#include "engine/trainer/run.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/status.h"
#include "engine/trainer/averaged_weights.h"
#include "engine/trainer/weights_file.h"

namespace gradus::trainer {
namespace {

constexpr int kMostLayersTold = 1000;

double Seconds(int64_t micros) { return static_cast<double>(micros) / 1e6; }

}  // namespace

absl::StatusOr<TrainResult> TrainingRun::Run() {
  if (Finds()) return FindLearningRate();
  SetNextSave();
  if (position_.epoch == stage().first_epoch && position_.step_in_epoch == 0) AnnounceStage();
  while (true) {
    const absl::Status trained = TrainStages();
    // A rank that is asked to end while it waits for others has all that there is to save.
    if (!trained.ok() && !(absl::IsCancelled(trained) && has_state_ && EndAsked())) return trained;
    if (EndAsked()) break;
    absl::StatusOr<TrainResult> result = Finish();
    if (!Broken()) return result;
  }
  // Ends that come while the last rows are tested are seen in Finish.
  TrainResult result{.metrics = last_metrics_};
  result.outcome = TrainResult::Outcome::kCancelled;
  if (control_.request() == Control::Request::kStop) {
    result.outcome = TrainResult::Outcome::kStopped;
    if (position_.step > 0 && IsLeader()) RETURN_IF_ERROR(Save());
  }
  return result;
}

absl::Status TrainingRun::TrainStages() {
  while (!EndAsked()) {
    if (Broken() || Leaving()) RETURN_IF_ERROR(Regroup());
    if (position_.epoch < stage().end_epoch) {
      const absl::Status trained = TrainEpoch();
      if (!trained.ok() && !Broken()) return trained;
      continue;
    }
    RETURN_IF_ERROR(epoch_callbacks_.EndStage(*executable_));
    if (static_cast<size_t>(position_.stage) + 1 == stages_.size()) break;
    RETURN_IF_ERROR(EnterNextStage());
  }
  return absl::OkStatus();
}

absl::Status TrainingRun::EnterNextStage() {
  RETURN_IF_ERROR(Configure(static_cast<size_t>(position_.stage) + 1));
  ++position_.stage;
  epoch_callbacks_.Reset(stage().callbacks);
  // Where callbacks ended the stage before its last epoch, the rows of the others were read ahead.
  if (skipped_epochs_) RETURN_IF_ERROR(CreateReaders());
  skipped_epochs_ = false;
  AnnounceStage();
  return absl::OkStatus();
}

void TrainingRun::AnnounceStage() {
  v1::Event event;
  v1::StageStarted* started = event.mutable_stage_started();
  started->set_stage(position_.stage);
  started->set_stages(static_cast<int32_t>(stages_.size()));
  started->set_epochs(stage().end_epoch - stage().first_epoch);
  started->set_trainable_params(executable_->trainable_params());
  for (const std::string& layer : graph::TrainedLayers(*graph_, stage().trainable)) {
    if (started->trainable_layers_size() == kMostLayersTold) break;
    started->add_trainable_layers(layer);
  }
  callback_.OnEvent(event);
}

absl::Status TrainingRun::TrainEpoch() {
  epoch_began_micros_ = inputs_.clock->MonotonicMicros();
  epoch_saving_micros_ = 0;
  epoch_rows_ = 0;
  progress_.Restart();
  RETURN_IF_ERROR(TrainSteps());
  // An end was asked for, or another meeting called.
  if (position_.step_in_epoch < steps_per_epoch_) return absl::OkStatus();
  // Of several ranks none begins a validation that the leader will leave.
  if (ranks_ != nullptr && EndAsked()) return absl::OkStatus();
  return FinishEpoch();
}

absl::Status TrainingRun::TrainSteps() {
  while (position_.step_in_epoch < steps_per_epoch_ && !EndAsked() && !Leaving()) {
    RETURN_IF_ERROR(Step(*reader_->Next()));
    FAILPOINT_STATUS("trainer.step.after");
    RETURN_IF_ERROR(SaveIfDue());
  }
  return absl::OkStatus();
}

absl::Status TrainingRun::Step(const data::Batch& batch) {
  if (ranks_ != nullptr) AnnounceStep();
  RETURN_IF_ERROR(executable_->TrainStep(StepOf(batch), &totals_));
  ++position_.step;
  ++position_.step_in_epoch;
  epoch_rows_ += batch.rows;
  if (!std::isfinite(totals_.loss)) return FailOnNonFinite();
  progress_.AfterStep(position_, steps_per_epoch_, totals_, executable_->metrics(),
                      executable_->step_learning_rate());
  return absl::OkStatus();
}

absl::Status TrainingRun::FailOnNonFinite() const {
  const std::string weight = executable_->FirstNonFiniteWeight();
  std::string message = absl::StrCat("step ", position_.step, " (epoch ", position_.epoch,
                                     ", step ", position_.step_in_epoch, " in it): ");
  if (!std::isfinite(totals_.loss))
    absl::StrAppend(&message, "the loss is ", totals_.loss,
                    std::isnan(totals_.loss) ? ", no number" : "");
  if (!weight.empty()) {
    const std::string layer = weight.substr(0, weight.find('/'));
    absl::StrAppend(&message, std::isfinite(totals_.loss) ? "" : "; ", "layer \"", layer,
                    "\" is the first with a weight that is not finite (", weight, ")");
  }
  absl::StrAppend(&message, "; a smaller learning rate may help");
  return absl::OutOfRangeError(message);
}

// Validation where it is due, and the epoch's figures. An end that is asked for meanwhile leaves
// the epoch with its validation still to come.
absl::Status TrainingRun::FinishEpoch() {
  const int64_t train_micros =
      inputs_.clock->MonotonicMicros() - epoch_began_micros_ - epoch_saving_micros_;
  std::map<std::string, double> metrics =
      FiguresOf(totals_, executable_->metrics(), metrics::Occasion::kEpoch, "");
  const int64_t freq = std::max<int64_t>(inputs_.spec.fit().validation_freq(), 1);
  const int64_t done = position_.epoch + 1;
  // What is saved is told of before all that takes long.
  if (writer_ != nullptr) RETURN_IF_ERROR(Tell(writer_->Await()));
  const AveragedWeights averages(*executable_);
  if (validator_ != nullptr && (done % freq == 0 || done == total_epochs())) {
    ASSIGN_OR_RETURN(const std::optional<plan::Totals> validation,
                     validator_->Run(*executable_, control_, ranks_.get()));
    if (!validation.has_value()) return absl::OkStatus();
    metrics.merge(
        FiguresOf(*validation, executable_->metrics(), metrics::Occasion::kEpoch, "val_"));
  }
  v1::Event event;
  v1::EpochFinished* finished = event.mutable_epoch_finished();
  finished->set_stage(position_.stage);
  finished->set_epoch(position_.epoch);
  finished->set_step(position_.step);
  for (const auto& [name, value] : metrics) (*finished->mutable_metrics())[name] = value;
  finished->set_train_seconds(Seconds(train_micros));
  finished->set_seconds(Seconds(inputs_.clock->MonotonicMicros() - epoch_began_micros_));
  if (train_micros > 0)
    finished->set_samples_per_second(static_cast<double>(epoch_rows_) / Seconds(train_micros));
  finished->set_learning_rate(executable_->step_learning_rate());
  callback_.OnEvent(event);
  for (const auto& [name, value] : metrics) last_metrics_[name] = value;
  RETURN_IF_ERROR(KeepIfBest(metrics));
  const callbacks::Epoch epoch{.number = position_.epoch - stage().first_epoch,
                               .figures = metrics,
                               .learning_rate = executable_->learning_rate()};
  ++position_.epoch;
  if (epoch_callbacks_.AfterEpoch(epoch, *executable_, callback_) &&
      position_.epoch < stage().end_epoch) {
    skipped_epochs_ = true;
    position_.epoch = stage().end_epoch;
  }
  position_.step_in_epoch = 0;
  totals_ = executable_->StartTotals(views_.train->rows());
  FAILPOINT_STATUS("trainer.epoch.after");
  return absl::OkStatus();
}

// Of the epoch that ends; averages are in the weights' place.
absl::Status TrainingRun::KeepIfBest(const std::map<std::string, double>& figures) {
  const std::optional<double> value = best_epochs_.Add(position_.step, figures);
  if (!value.has_value() || !IsLeader()) return absl::OkStatus();
  if (!executable_->FirstNonFiniteWeight().empty()) return FailOnNonFinite();
  BestCheckpointFile best;
  best.checkpoint.set_step(position_.step);
  best.checkpoint.set_epoch(position_.epoch);
  best.checkpoint.set_stage(position_.stage);
  best.checkpoint.set_value(*value);
  best.checkpoint.mutable_metrics()->insert(figures.begin(), figures.end());
  for (const BestEpoch& kept : best_epochs_.list()) best.kept_steps.push_back(kept.step);
  const std::vector<plan::NamedTensor> weights = executable_->ExportWeights();
  best.checkpoint.set_weights_sha256(plan::WeightsSha256(weights));
  ASSIGN_OR_RETURN(best.weights, WriteWeights(*inputs_.files, inputs_.work_dir,
                                              absl::StrCat("best-", position_.step), weights));
  best.checkpoint.mutable_weights()->set_sha256(best.weights.index.sha256);
  best.checkpoint.mutable_weights()->set_size(best.weights.index.size);
  return callback_.OnBestCheckpoint(best);
}

// The test pass with the final weights, then the weights themselves.
absl::StatusOr<TrainResult> TrainingRun::Finish() {
  reader_.reset();
  validator_.reset();
  if (!executable_->FirstNonFiniteWeight().empty()) return FailOnNonFinite();
  const AveragedWeights averages(*executable_);
  if (views_.test != nullptr) {
    ASSIGN_OR_RETURN(const std::unique_ptr<Evaluator> tester, CreateEvaluator(views_.test));
    // A stop is too late to be of use here; a cancel counts until the end.
    Control never;
    ASSIGN_OR_RETURN(const std::optional<plan::Totals> totals,
                     tester->Run(*executable_, never, ranks_.get()));
    v1::Event event;
    event.mutable_evaluated()->set_view("test");
    for (const auto& [name, value] :
         FiguresOf(*totals, executable_->metrics(), metrics::Occasion::kTest, "test_")) {
      (*event.mutable_evaluated()->mutable_metrics())[name] = value;
      last_metrics_[name] = value;
    }
    callback_.OnEvent(event);
  }
  TrainResult result{.metrics = last_metrics_};
  if (control_.request() == Control::Request::kCancel) {
    result.outcome = TrainResult::Outcome::kCancelled;
    return result;
  }
  if (ranks_ != nullptr) ranks_->Farewell();
  if (!IsLeader()) return result;
  const std::vector<plan::NamedTensor> weights = executable_->ExportWeights();
  result.weights_sha256 = plan::WeightsSha256(weights);
  ASSIGN_OR_RETURN(result.weights,
                   WriteWeights(*inputs_.files, inputs_.work_dir, "weights", weights));
  return result;
}

}  // namespace gradus::trainer
