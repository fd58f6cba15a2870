// SPDX-License-Identifier: Apache-2.0
// The mean over a row's outputs of log(cosh(p - y)).
#include <cmath>
#include <numbers>

#include "engine/training/losses/element.h"

namespace gradus::losses {
namespace {

// log(cosh(e)) = |e| + log(1 + exp(-2 |e|)) - log(2), where nothing grows.
Element At(double p, double y) {
  const double error = std::abs(p - y);
  return {error + std::log1p(std::exp(-2 * error)) - std::numbers::ln2, std::tanh(p - y)};
}

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss&, const LossOperands& o) {
  return ElementKernel("log_cosh", o, At);
}

double Reference(const v1::Loss&, bool, std::span<const double> predictions,
                 std::span<const double> targets) {
  double sum = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double p = predictions[i];
    const double y = targets[i];
    sum += std::abs(p - y) < 20 ? std::log(std::cosh(p - y)) : std::abs(p - y) - std::log(2.0);
  }
  return sum / static_cast<double>(predictions.size());
}

std::vector<v1::Loss> Samples() {
  v1::Loss spec;
  spec.mutable_log_cosh();
  return {spec};
}

}  // namespace

extern const LossKind log_cosh_kind;
constinit const LossKind log_cosh_kind = {
    .field = v1::Loss::kLogCosh,
    .documentation = "The mean over a row's outputs of log(cosh(p - y)).",
    .source = "Keras, LogCosh",
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
