// SPDX-License-Identifier: Apache-2.0
// -sum_i y_i log p_i for targets that are distributions.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/function_kernel.h"
#include "engine/kernels/vector/functions.h"
#include "engine/training/losses/kind.h"
#include "engine/training/losses/probability.h"

namespace gradus::losses {
namespace {

absl::Status CheckSettings(v1::Loss& loss) {
  v1::CategoricalCrossentropy& spec = *loss.mutable_categorical_crossentropy();
  if (!spec.has_from_logits()) spec.set_from_logits(false);
  return absl::OkStatus();
}

bool FromLogits(const v1::Loss& spec) { return spec.categorical_crossentropy().from_logits(); }

absl::StatusOr<Target> TargetOf(const v1::Loss&, std::span<const int64_t> output_shape) {
  ASSIGN_OR_RETURN(const int64_t classes, VectorLength(output_shape, 2));
  return Target{TargetForm::kDistribution, classes, classes};
}

double FromProbabilities(const LossOperands& o) {
  const float* p = kernels::Floats(o.predictions);
  const auto* y = static_cast<const float*>(*o.targets);
  float* diff = o.diff == nullptr ? nullptr : kernels::Floats(o.diff);
  double sum = 0;
  for (int64_t i = 0; i < o.rows * o.width; ++i) {
    const double picked = static_cast<double>(p[i]);
    const double target = static_cast<double>(y[i]);
    sum -= target * std::log(Cut(picked));
    if (diff != nullptr)
      diff[i] = IsCut(picked) ? 0.0F
                              : static_cast<float>(-static_cast<double>(o.scale) * target / picked);
  }
  return sum;
}

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss&, const LossOperands& o) {
  const std::string size = absl::StrCat(o.rows, "x", o.width);
  if (!o.logits)
    return kernels::MakeKernel("cross_entropy " + size, [o] { *o.sum = FromProbabilities(o); });
  return kernels::MakeKernel(
      absl::StrCat("softmax_cross_entropy vector:", kernels::Vector().isa, " ", size), [o] {
        *o.sum = kernels::Vector().softmax_cross_entropy(
            kernels::Floats(o.predictions), static_cast<const float*>(*o.targets), o.scale,
            o.diff == nullptr ? nullptr : kernels::Floats(o.diff), o.rows, o.width);
      });
}

double Reference(bool logits, std::span<const double> predictions,
                 std::span<const double> targets) {
  double log_sum = 0;
  if (logits) {
    const double largest = *std::max_element(predictions.begin(), predictions.end());
    double sum = 0;
    for (const double x : predictions) sum += std::exp(x - largest);
    log_sum = largest + std::log(sum);
  }
  double loss = 0;
  for (size_t i = 0; i < predictions.size(); ++i)
    loss -= targets[i] * (logits ? predictions[i] - log_sum : std::log(Cut(predictions[i])));
  return loss;
}

std::vector<v1::Loss> Samples() {
  std::vector<v1::Loss> samples(2);
  samples[0].mutable_categorical_crossentropy();
  samples[1].mutable_categorical_crossentropy()->set_from_logits(true);
  return samples;
}

}  // namespace

extern const LossKind categorical_crossentropy_kind;
constinit const LossKind categorical_crossentropy_kind = {
    .field = v1::Loss::kCategoricalCrossentropy,
    .documentation = "-sum_i y_i log p_i, for targets that are distributions.",
    .source = "Keras, CategoricalCrossentropy",
    .fuses = v1::Activation::kSoftmax,
    .scoring = Scoring::kArgmax,
    .check = CheckSettings,
    .from_logits = FromLogits,
    .target = TargetOf,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::losses
