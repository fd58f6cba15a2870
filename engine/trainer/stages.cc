// SPDX-License-Identifier: Apache-2.0
// Carries settings from stage to stage.
#include "engine/trainer/stages.h"

#include <utility>

#include "engine/base/status.h"
#include "engine/graph/job_check.h"
#include "engine/training/optimizers/kind.h"

namespace gradus::trainer {

absl::StatusOr<std::vector<StagePlan>> PlanStages(const graph::Graph& graph,
                                                  const v1::Optimizer& optimizer,
                                                  const v1::Fit& fit) {
  ASSIGN_OR_RETURN(const std::vector<std::vector<bool>> trainable,
                   graph::TrainableByStage(graph, fit));
  std::vector<StagePlan> stages;
  StagePlan stage{.optimizer = optimizer, .keeps_slots = false};
  if (fit.stages_size() == 0) {
    stage.end_epoch = fit.has_epochs() ? fit.epochs() : 1;
    stage.trainable = trainable[0];
    stages.push_back(std::move(stage));
    return stages;
  }
  for (int i = 0; i < fit.stages_size(); ++i) {
    const v1::Stage& spec = fit.stages(i);
    stage.first_epoch = stage.end_epoch;
    stage.end_epoch += spec.epochs();
    stage.keeps_slots = i > 0 && !spec.has_optimizer();
    if (spec.has_optimizer()) stage.optimizer = spec.optimizer();
    if (spec.has_learning_rate())
      optimizers::ReplaceLearningRate(stage.optimizer, spec.learning_rate());
    stage.trainable = trainable[static_cast<size_t>(i)];
    stages.push_back(stage);
  }
  return stages;
}

int64_t EpochsOfOptimizer(const std::vector<StagePlan>& stages, size_t stage) {
  size_t first = stage;
  while (first > 0 && stages[first].keeps_slots) --first;
  size_t last = stage;
  while (last + 1 < stages.size() && stages[last + 1].keeps_slots) ++last;
  return stages[last].end_epoch - stages[first].first_epoch;
}

}  // namespace gradus::trainer
