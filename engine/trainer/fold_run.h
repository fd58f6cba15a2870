// SPDX-License-Identifier: Apache-2.0
// The run of a job that folds a published model: fold, compare, hand over.
#pragma once

#include "absl/status/statusor.h"
#include "engine/trainer/control.h"
#include "engine/trainer/trainer.h"

namespace gradus::trainer {

// Takes normalizations of inputs.weights, the weights of spec.model, into the weights beside them
// and holds the outputs of both networks against each other, on the rows of spec.data.test. It is
// short, and starts anew rather than from a checkpoint.
//   Threads  as Train.
//   Errors   FAILED_PRECONDITION where nothing can be folded; OUT_OF_RANGE where outputs differ by
//            more than spec.fold.max_difference; else as Train.
absl::StatusOr<TrainResult> FoldModel(const TrainerInputs& inputs, Control& control,
                                      Callback& callback);

}  // namespace gradus::trainer
