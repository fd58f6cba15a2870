// SPDX-License-Identifier: Apache-2.0
// The mean over a row's outputs of p - y log p.
#include <cmath>

#include "engine/training/losses/element.h"

namespace gradus::losses {
namespace {

constexpr double kEpsilon = 1e-7;

Element At(double p, double y) { return {p - y * std::log(p + kEpsilon), 1 - y / (p + kEpsilon)}; }

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss&, const LossOperands& o) {
  return ElementKernel("poisson", o, At);
}

double Reference(const v1::Loss&, bool, std::span<const double> predictions,
                 std::span<const double> targets) {
  double sum = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double p = predictions[i];
    const double y = targets[i];
    sum += p - y * std::log(p + kEpsilon);
  }
  return sum / static_cast<double>(predictions.size());
}

std::vector<v1::Loss> Samples() {
  v1::Loss spec;
  spec.mutable_poisson();
  return {spec};
}

}  // namespace

extern const LossKind poisson_kind;
constinit const LossKind poisson_kind = {
    .field = v1::Loss::kPoisson,
    .documentation = "The mean over a row's outputs of p - y log(p + 1e-7), for outputs above 0.",
    .source = "Keras, Poisson",
    .fuses = v1::Activation::KIND_NOT_SET,
    .scoring = Scoring::kNone,
    .positive = true,
    .check = NoSettings,
    .from_logits = NeverLogits,
    .target = AnyValues,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::losses
