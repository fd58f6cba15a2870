// SPDX-License-Identifier: Apache-2.0
// The mean over a row's outputs of (p - y)^2.
#include "engine/kernels/vector/functions.h"
#include "engine/training/losses/element.h"

namespace gradus::losses {
namespace {

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss&, const LossOperands& o) {
  return kernels::MakeKernel(
      absl::StrCat("squared_error vector:", kernels::Vector().isa, " ", o.rows, "x", o.width), [o] {
        *o.sum = kernels::Vector().squared_error(
                     kernels::Floats(o.predictions), static_cast<const float*>(*o.targets),
                     o.scale / static_cast<float>(o.width),
                     o.diff == nullptr ? nullptr : kernels::Floats(o.diff),
                     static_cast<size_t>(o.rows * o.width)) /
                 static_cast<double>(o.width);
      });
}

double Reference(const v1::Loss&, bool, std::span<const double> predictions,
                 std::span<const double> targets) {
  double sum = 0;
  for (size_t i = 0; i < predictions.size(); ++i)
    sum += (predictions[i] - targets[i]) * (predictions[i] - targets[i]);
  return sum / static_cast<double>(predictions.size());
}

std::vector<v1::Loss> Samples() {
  v1::Loss spec;
  spec.mutable_mean_squared_error();
  return {spec};
}

}  // namespace

extern const LossKind mean_squared_error_kind;
constinit const LossKind mean_squared_error_kind = {
    .field = v1::Loss::kMeanSquaredError,
    .documentation = "The mean over a row's outputs of (p - y)^2.",
    .source = "Keras, MeanSquaredError",
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
