// SPDX-License-Identifier: Apache-2.0
// A loss over rows that may count differently.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "engine/kernels/kernel.h"
#include "engine/training/losses/kind.h"

namespace gradus::plan {

struct LossOfRows {
  const losses::LossKind& kind;
  const v1::Loss& spec;
  const losses::Target& target;
  losses::LossOperands operands;
  // float [rows]: what each row's loss is multiplied with; where it points nowhere, 1.
  kernels::Cell row_weights = nullptr;
};

// The kind's kernel over all rows, or, where rows are weighted, over one row after another.
//   Source  Keras, Model.fit: sample_weight and class_weight; the sum is divided by the rows.
absl::StatusOr<std::unique_ptr<kernels::Kernel>> MakeLossOfRows(const LossOfRows& loss);

}  // namespace gradus::plan
