// SPDX-License-Identifier: Apache-2.0
// Rows of rare classes that count for more.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/training/losses/kind.h"
#include "google/protobuf/map.h"

namespace gradus::losses {

// As in JobSpec.class_weight.
using ClassWeights = google::protobuf::Map<int64_t, double>;

// INVALID_ARGUMENT with path "[CLASS]" where the targets have no classes or not this one, or a
// weight is no finite number from 0 on.
absl::Status Check(const ClassWeights& weights, const LossKind& loss, const Target& target);

// The loss with each row's part of sum and gradient times the weight of its class: its number, or
// the largest of its distribution. Still of as many rows: the gradient's scale stays.
//   Source   Keras, fit(class_weight)
// REQUIRES: Check has passed the weights.
absl::StatusOr<std::unique_ptr<kernels::Kernel>> LowerWeighted(const v1::Loss& spec,
                                                               const ClassWeights& weights,
                                                               const Target& target,
                                                               const LossOperands& operands);

}  // namespace gradus::losses
