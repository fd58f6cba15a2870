// SPDX-License-Identifier: Apache-2.0
// Checks how long and in which stages a model is trained.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gradus/v1/training.pb.h"

namespace gradus::graph {

// Fills in the defaults of everything in `fit` but logical_shards and the callbacks, and checks it,
// but what depends on the model (see PlanStages). Paths are below "fit".
//   Returns  the epochs of all stages together.
absl::StatusOr<int64_t> CheckFit(v1::Fit& fit, uint64_t drawn_seed);

// Fills in and checks by what epochs are compared, where the best are kept; `names`: the figures of
// the job, the default first. Paths are below "fit.checkpoint".
absl::Status CheckBestEpochs(v1::Checkpoint& checkpoint, std::span<const std::string> names);

// Fills in the defaults of a learning rate range test and checks it. Paths are below
// "find_learning_rate".
absl::Status CheckFinder(v1::LearningRateFinder& finder);

}  // namespace gradus::graph
