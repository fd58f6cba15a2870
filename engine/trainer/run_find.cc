// SPDX-License-Identifier: Apache-2.0
// The run of a job that looks for a learning rate: a step for each rate, an event for each step.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/trainer/learning_rate_sweep.h"
#include "engine/trainer/run.h"
#include "engine/trainer/weights_file.h"

namespace gradus::trainer {

// It is short, and starts anew rather than from a checkpoint.
absl::StatusOr<TrainResult> TrainingRun::FindLearningRate() {
  AnnounceStage();
  LearningRateSweep sweep(inputs_.spec.find_learning_rate());
  while (!sweep.done()) {
    if (EndAsked()) {
      TrainResult ended{.metrics = last_metrics_};
      ended.outcome = control_.request() == Control::Request::kStop
                          ? TrainResult::Outcome::kStopped
                          : TrainResult::Outcome::kCancelled;
      return ended;
    }
    const data::Batch& batch = *reader_->Next();
    const double rate = sweep.rate();
    executable_->SetLearningRate(rate);
    plan::Totals totals;
    RETURN_IF_ERROR(executable_->TrainStep(StepOf(batch), &totals));
    ++position_.step;
    sweep.Add(totals.loss / static_cast<double>(totals.rows));
    v1::Event event;
    v1::LearningRateTried& tried = *event.mutable_learning_rate_tried();
    tried.set_step(position_.step);
    tried.set_learning_rate(rate);
    tried.set_loss(totals.loss / static_cast<double>(totals.rows));
    tried.set_smoothed_loss(sweep.smoothed());
    callback_.OnEvent(event);
  }
  return FinishFinding(sweep.Suggestion());
}

absl::StatusOr<TrainResult> TrainingRun::FinishFinding(std::optional<double> suggestion) {
  reader_.reset();
  if (suggestion.has_value()) {
    v1::Event event;
    event.mutable_evaluated()->set_view("learning_rate");
    (*event.mutable_evaluated()->mutable_metrics())["suggested_learning_rate"] = *suggestion;
    last_metrics_["suggested_learning_rate"] = *suggestion;
    callback_.OnEvent(event);
  } else {
    SendLogLine(callback_, v1::LogLine::WARNING,
                "the loss fell at no learning rate: there is none to suggest");
  }
  // What the rates have made of the weights is of no use: the start weights are the result.
  RETURN_IF_ERROR(SetStartWeights());
  TrainResult result{.metrics = last_metrics_};
  const std::vector<plan::NamedTensor> weights = executable_->ExportWeights();
  result.weights_sha256 = plan::WeightsSha256(weights);
  ASSIGN_OR_RETURN(result.weights,
                   WriteWeights(*inputs_.files, inputs_.work_dir, "weights", weights));
  return result;
}

}  // namespace gradus::trainer
