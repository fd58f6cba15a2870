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
#include "engine/training/losses/settings.h"

namespace gradus::losses {
namespace {

absl::Status CheckSettings(v1::Loss& loss) {
  v1::CategoricalCrossentropy& spec = *loss.mutable_categorical_crossentropy();
  if (!spec.has_from_logits()) spec.set_from_logits(false);
  if (!spec.has_label_smoothing()) spec.set_label_smoothing(0);
  return CheckShare("label_smoothing", spec.label_smoothing());
}

bool FromLogits(const v1::Loss& spec) { return spec.categorical_crossentropy().from_logits(); }

absl::StatusOr<Target> TargetOf(const v1::Loss&, std::span<const int64_t> output_shape) {
  ASSIGN_OR_RETURN(const int64_t classes, VectorLength(output_shape, 2));
  return Target{TargetForm::kDistribution, classes, classes};
}

kernels::TargetMap Smoothed(const v1::Loss& spec, int64_t width) {
  const double share = spec.categorical_crossentropy().label_smoothing();
  return {static_cast<float>(1 - share), static_cast<float>(share / static_cast<double>(width))};
}

double FromProbabilities(const LossOperands& o, kernels::TargetMap map) {
  const float* p = kernels::Floats(o.predictions);
  const auto* y = static_cast<const float*>(*o.targets);
  float* diff = o.diff == nullptr ? nullptr : kernels::Floats(o.diff);
  double sum = 0;
  for (int64_t i = 0; i < o.rows * o.width; ++i) {
    const double picked = static_cast<double>(p[i]);
    const double target = static_cast<double>(map.keep * y[i] + map.offset);
    sum -= target * std::log(Cut(picked));
    if (diff != nullptr)
      diff[i] = IsCut(picked) ? 0.0F
                              : static_cast<float>(-static_cast<double>(o.scale) * target / picked);
  }
  return sum;
}

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss& spec,
                                                       const LossOperands& o) {
  const std::string size = absl::StrCat(o.rows, "x", o.width);
  const kernels::TargetMap map = Smoothed(spec, o.width);
  if (!o.logits)
    return kernels::MakeKernel("cross_entropy " + size,
                               [o, map] { *o.sum = FromProbabilities(o, map); });
  return kernels::MakeKernel(
      absl::StrCat("softmax_cross_entropy vector:", kernels::Vector().isa, " ", size), [o, map] {
        *o.sum = kernels::Vector().softmax_cross_entropy(
            kernels::Floats(o.predictions), static_cast<const float*>(*o.targets), map, o.scale,
            o.diff == nullptr ? nullptr : kernels::Floats(o.diff), o.rows, o.width);
      });
}

double Reference(const v1::Loss& spec, bool logits, std::span<const double> predictions,
                 std::span<const double> targets) {
  const double largest = *std::max_element(predictions.begin(), predictions.end());
  double sum = 0;
  for (const double x : predictions) sum += std::exp(x - largest);
  const double smoothing = spec.categorical_crossentropy().label_smoothing();
  double loss = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double y =
        targets[i] * (1 - smoothing) + smoothing / static_cast<double>(predictions.size());
    loss -= y * (logits ? predictions[i] - largest - std::log(sum) : std::log(Cut(predictions[i])));
  }
  return loss;
}

std::vector<v1::Loss> Samples() {
  std::vector<v1::Loss> samples(4);
  samples[0].mutable_categorical_crossentropy();
  samples[1].mutable_categorical_crossentropy()->set_from_logits(true);
  samples[2].mutable_categorical_crossentropy()->set_label_smoothing(0.1);
  samples[3].mutable_categorical_crossentropy()->set_from_logits(true);
  samples[3].mutable_categorical_crossentropy()->set_label_smoothing(0.3);
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
