// SPDX-License-Identifier: Apache-2.0
// The run of a job that looks for how many layers to reuse.
#pragma once

#include "absl/status/statusor.h"
#include "engine/trainer/trainer.h"

namespace gradus::trainer {

// Trains each trial (graph::TransferTrials) on one core, spec.transfer_search.parallel of them at
// once, tells of each in their order, and returns the best one: of equal ones the first. A trial
// whose loss is no longer finite is told of and out of the running. Used by Train alone; starts
// anew when it was stopped, and comes to the same end.
//   Errors   as Train; OUT_OF_RANGE when no trial has come to its end.
absl::StatusOr<TrainResult> SearchTransfer(const TrainerInputs& inputs, Control& control,
                                           Callback& callback);

}  // namespace gradus::trainer
