// SPDX-License-Identifier: Apache-2.0
// The mean over a row's outputs of 100 |p - y| / |y|.
#include <algorithm>
#include <cmath>

#include "engine/training/losses/element.h"

namespace gradus::losses {
namespace {

// What a target is taken for that is smaller.
constexpr double kLeastTarget = 1e-7;

Element At(double p, double y) {
  const double factor = 100 / std::max(std::abs(y), kLeastTarget);
  return {factor * std::abs(p - y), factor * SignOf(p - y)};
}

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss&, const LossOperands& o) {
  return ElementKernel("mean_absolute_percentage_error", o, At);
}

double Reference(const v1::Loss&, bool, std::span<const double> predictions,
                 std::span<const double> targets) {
  double sum = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double p = predictions[i];
    const double y = targets[i];
    sum += std::abs((p - y) / std::max(std::abs(y), kLeastTarget));
  }
  return 100 * sum / static_cast<double>(predictions.size());
}

std::vector<v1::Loss> Samples() {
  v1::Loss spec;
  spec.mutable_mean_absolute_percentage_error();
  return {spec};
}

}  // namespace

extern const LossKind mean_absolute_percentage_error_kind;
constinit const LossKind mean_absolute_percentage_error_kind = {
    .field = v1::Loss::kMeanAbsolutePercentageError,
    .documentation = "The mean over a row's outputs of 100 |p - y| / max(|y|, 1e-7).",
    .source = "Keras, MeanAbsolutePercentageError",
    .fuses = v1::Activation::KIND_NOT_SET,
    .scoring = Scoring::kNone,
    .check = NoSettings,
    .from_logits = NeverLogits,
    .target = AnyValues,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::losses
