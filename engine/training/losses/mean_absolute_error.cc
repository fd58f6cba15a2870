// SPDX-License-Identifier: Apache-2.0
// The mean over a row's outputs of |p - y|.
#include <cmath>

#include "engine/training/losses/element.h"

namespace gradus::losses {
namespace {

Element At(double p, double y) { return {std::abs(p - y), SignOf(p - y)}; }

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss&, const LossOperands& o) {
  return ElementKernel("mean_absolute_error", o, At);
}

double Reference(const v1::Loss&, bool, std::span<const double> predictions,
                 std::span<const double> targets) {
  double sum = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double p = predictions[i];
    const double y = targets[i];
    sum += std::abs(p - y);
  }
  return sum / static_cast<double>(predictions.size());
}

std::vector<v1::Loss> Samples() {
  v1::Loss spec;
  spec.mutable_mean_absolute_error();
  return {spec};
}

}  // namespace

extern const LossKind mean_absolute_error_kind;
constinit const LossKind mean_absolute_error_kind = {
    .field = v1::Loss::kMeanAbsoluteError,
    .documentation = "The mean over a row's outputs of |p - y|.",
    .source = "Keras, MeanAbsoluteError",
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
