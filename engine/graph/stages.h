// SPDX-License-Identifier: Apache-2.0
// A job's stages, each with all that holds in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "gradus/v1/optimizers.pb.h"
#include "gradus/v1/training.pb.h"

namespace gradus::graph {

struct StagePlan {
  int64_t first_epoch = 0;  // over the whole run
  int64_t end_epoch = 0;    // the first one that is not the stage's
  // With the learning rate that holds in the stage.
  v1::Optimizer optimizer;
  // Slots of the stage before stay where layers go on training.
  bool keeps_slots = true;
  std::vector<bool> trainable;  // a bool a layer
  int64_t trainable_params = 0;
  // What each layer multiplies the learning rate by.
  std::vector<double> rate_factors;
  // Of this stage alone.
  std::vector<v1::Callback> callbacks;
};

// The stages of an effective fit, one where it names none. What trains, optimizer, learning rate
// and rates hold until a later stage changes them; an optimizer that a stage brings comes with its
// own learning rate and with empty slots.
//   Errors   INVALID_ARGUMENT with the field's path below "fit".
absl::StatusOr<std::vector<StagePlan>> PlanStages(const Graph& graph,
                                                  const v1::Optimizer& optimizer,
                                                  const v1::Fit& fit);

// Names of the layers whose weights train where `trainable` holds, in the order of the model.
std::vector<std::string> TrainedLayers(const Graph& graph, const std::vector<bool>& trainable);

// All epochs that the optimizer of stage `stage` works in: those of the stages that go on with it,
// before and after.
int64_t EpochsOfOptimizer(const std::vector<StagePlan>& stages, size_t stage);

}  // namespace gradus::graph
