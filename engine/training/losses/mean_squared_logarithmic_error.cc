// SPDX-License-Identifier: Apache-2.0
// The mean over a row's outputs of (log(p + 1) - log(y + 1))^2.
#include <algorithm>
#include <cmath>

#include "engine/training/losses/element.h"

namespace gradus::losses {
namespace {

// Keras's epsilon: both are raised to it.
constexpr double kFloor = 1e-7;

// So written that a NaN stays one.
double Raised(double x) { return x < kFloor ? kFloor : x; }

Element At(double p, double y) {
  const double error = std::log1p(Raised(p)) - std::log1p(Raised(y));
  return {error * error, p < kFloor ? 0 : 2 * error / (p + 1)};
}

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss&, const LossOperands& o) {
  return ElementKernel("mean_squared_logarithmic_error", o, At);
}

double Reference(const v1::Loss&, bool, std::span<const double> predictions,
                 std::span<const double> targets) {
  double sum = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double p = std::log(std::max(predictions[i], kFloor) + 1);
    const double y = std::log(std::max(targets[i], kFloor) + 1);
    sum += (p - y) * (p - y);
  }
  return sum / static_cast<double>(predictions.size());
}

std::vector<v1::Loss> Samples() {
  v1::Loss spec;
  spec.mutable_mean_squared_logarithmic_error();
  return {spec};
}

}  // namespace

extern const LossKind mean_squared_logarithmic_error_kind;
constinit const LossKind mean_squared_logarithmic_error_kind = {
    .field = v1::Loss::kMeanSquaredLogarithmicError,
    .documentation =
        "The mean over a row's outputs of (log(p + 1) - log(y + 1))^2, p and y raised to at least "
        "1e-7.",
    .source = "Keras, MeanSquaredLogarithmicError",
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
