// SPDX-License-Identifier: Apache-2.0
// A square near the target, a straight line far from it.
#include <cmath>

#include "engine/training/losses/element.h"
#include "engine/training/losses/settings.h"

namespace gradus::losses {
namespace {

absl::Status CheckSettings(v1::Loss& loss) {
  v1::Huber& spec = *loss.mutable_huber();
  if (!spec.has_delta()) spec.set_delta(1);
  return CheckAboveZero("delta", spec.delta());
}

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss& spec,
                                                       const LossOperands& o) {
  return ElementKernel("huber", o, [delta = spec.huber().delta()](double p, double y) -> Element {
    const double error = p - y;
    const double size = std::abs(error);
    if (size > delta) return {delta * (size - delta / 2), delta * SignOf(error)};
    return {error * error / 2, error};
  });
}

double Reference(const v1::Loss& spec, bool, std::span<const double> predictions,
                 std::span<const double> targets) {
  const double delta = spec.huber().delta();
  double sum = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double error = std::abs(predictions[i] - targets[i]);
    sum += error <= delta ? error * error / 2 : delta * error - delta * delta / 2;
  }
  return sum / static_cast<double>(predictions.size());
}

std::vector<v1::Loss> Samples() {
  std::vector<v1::Loss> samples(2);
  samples[0].mutable_huber();
  samples[1].mutable_huber()->set_delta(0.3);
  return samples;
}

}  // namespace

extern const LossKind huber_kind;
constinit const LossKind huber_kind = {
    .field = v1::Loss::kHuber,
    .documentation =
        "With e = p - y, the mean over a row's outputs of e^2 / 2 for |e| <= delta, else of delta "
        "|e| "
        "- delta^2 / 2.",
    .source = "Keras, Huber; Huber 1964",
    .fuses = v1::Activation::KIND_NOT_SET,
    .scoring = Scoring::kNone,
    .check = CheckSettings,
    .from_logits = NeverLogits,
    .target = AnyValues,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::losses
