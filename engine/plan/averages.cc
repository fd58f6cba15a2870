// SPDX-License-Identifier: Apache-2.0
// Moving averages of the weights, which lie in a slot behind those of the optimizer's rule.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/vector/functions.h"
#include "engine/plan/program.h"

namespace gradus::plan {

void Program::Average(size_t begin, size_t end) const {
  const float* weights = parameters_->weights();
  float* averages = parameters_->slot(optimizer_slots_);
  if (optimizer_steps_ == 0) {
    std::copy(weights + begin, weights + end, averages + begin);
  } else {
    kernels::Vector().average(averages + begin, weights + begin,
                              static_cast<float>(*common_.ema_momentum), end - begin);
  }
}

absl::Status Program::ImportWeights(std::span<const NamedTensor> tensors) {
  RETURN_IF_ERROR(parameters_->ImportWeights(tensors));
  if (!common_.ema_momentum.has_value()) return absl::OkStatus();
  for (NamedTensor tensor : tensors) {
    tensor.name = absl::StrCat(optimizers::kAverageSlot, "/", tensor.name);
    const absl::Status status = parameters_->ImportSlots(std::span(&tensor, 1), /*all=*/false);
    // One that is not trained has no average.
    if (!status.ok() && !absl::IsInvalidArgument(status)) return status;
  }
  return absl::OkStatus();
}

void Program::SwapAverages() {
  if (!common_.ema_momentum.has_value() || optimizer_steps_ == 0) return;
  float* weights = parameters_->weights();
  std::swap_ranges(weights, weights + parameters_->trainable_floats(),
                   parameters_->slot(optimizer_slots_));
}

}  // namespace gradus::plan
