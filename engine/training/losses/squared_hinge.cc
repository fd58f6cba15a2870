// SPDX-License-Identifier: Apache-2.0
// The mean over a row's outputs of max(1 - y p, 0)^2.
#include <algorithm>
#include <cmath>

#include "engine/training/losses/element.h"

namespace gradus::losses {
namespace {

Element At(double p, double y) {
  const double sign = SignedTarget(y);
  const double short_by = 1 - sign * p;
  if (short_by <= 0) return {};
  return {short_by * short_by, -2 * sign * short_by};
}

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss&, const LossOperands& o) {
  return ElementKernel("squared_hinge", o, At);
}

double Reference(const v1::Loss&, bool, std::span<const double> predictions,
                 std::span<const double> targets) {
  double sum = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double p = predictions[i];
    const double y = targets[i];
    sum += std::pow(std::max(1 - (y == 0 ? -1 : y) * p, 0.0), 2);
  }
  return sum / static_cast<double>(predictions.size());
}

std::vector<v1::Loss> Samples() {
  v1::Loss spec;
  spec.mutable_squared_hinge();
  return {spec};
}

}  // namespace

extern const LossKind squared_hinge_kind;
constinit const LossKind squared_hinge_kind = {
    .field = v1::Loss::kSquaredHinge,
    .documentation = "The mean over a row's outputs of max(1 - y p, 0)^2, y being -1 (or 0) and 1.",
    .source = "Keras, SquaredHinge",
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
