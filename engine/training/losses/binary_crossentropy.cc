// SPDX-License-Identifier: Apache-2.0
// The mean over a row's outputs of -(y log p + (1 - y) log(1 - p)).
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
  v1::BinaryCrossentropy& spec = *loss.mutable_binary_crossentropy();
  if (!spec.has_from_logits()) spec.set_from_logits(false);
  if (!spec.has_label_smoothing()) spec.set_label_smoothing(0);
  return CheckShare("label_smoothing", spec.label_smoothing());
}

bool FromLogits(const v1::Loss& spec) { return spec.binary_crossentropy().from_logits(); }

absl::StatusOr<Target> TargetOf(const v1::Loss&, std::span<const int64_t> output_shape) {
  int64_t width = 1;
  for (const int64_t extent : output_shape) width *= extent;
  return Target{.form = TargetForm::kValues,
                .width = width,
                .classes = width == 1 ? 2 : 0,
                .probabilities = true};
}

kernels::TargetMap Smoothed(const v1::Loss& spec) {
  const auto share = static_cast<float>(spec.binary_crossentropy().label_smoothing());
  return {1 - share, share / 2};
}

double FromProbabilities(const LossOperands& o, kernels::TargetMap map) {
  const float* p = kernels::Floats(o.predictions);
  const auto* y = static_cast<const float*>(*o.targets);
  float* diff = o.diff == nullptr ? nullptr : kernels::Floats(o.diff);
  const double scale = static_cast<double>(o.scale) / static_cast<double>(o.width);
  double sum = 0;
  for (int64_t i = 0; i < o.rows * o.width; ++i) {
    const double given = static_cast<double>(p[i]);
    const double q = Cut(given);
    const double target = static_cast<double>(map.keep * y[i] + map.offset);
    sum -= target * std::log(q) + (1 - target) * std::log(1 - q);
    if (diff != nullptr)
      diff[i] = IsCut(given) ? 0.0F : static_cast<float>(scale * (q - target) / (q * (1 - q)));
  }
  return sum / static_cast<double>(o.width);
}

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss& spec,
                                                       const LossOperands& o) {
  const std::string size = absl::StrCat(o.rows, "x", o.width);
  const kernels::TargetMap map = Smoothed(spec);
  if (!o.logits)
    return kernels::MakeKernel("binary_cross_entropy " + size,
                               [o, map] { *o.sum = FromProbabilities(o, map); });
  return kernels::MakeKernel(
      absl::StrCat("sigmoid_cross_entropy vector:", kernels::Vector().isa, " ", size), [o, map] {
        *o.sum = kernels::Vector().sigmoid_cross_entropy(
                     kernels::Floats(o.predictions), static_cast<const float*>(*o.targets), map,
                     o.scale / static_cast<float>(o.width),
                     o.diff == nullptr ? nullptr : kernels::Floats(o.diff),
                     static_cast<size_t>(o.rows * o.width)) /
                 static_cast<double>(o.width);
      });
}

double Reference(const v1::Loss& spec, bool logits, std::span<const double> predictions,
                 std::span<const double> targets) {
  const double smoothing = spec.binary_crossentropy().label_smoothing();
  double sum = 0;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const double x = predictions[i];
    const double y = targets[i] * (1 - smoothing) + smoothing / 2;
    const double p = Cut(x);
    // From logits, log(1 + exp(x)) - x y.
    sum += logits ? std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))) - x * y
                  : -y * std::log(p) - (1 - y) * std::log(1 - p);
  }
  return sum / static_cast<double>(predictions.size());
}

std::vector<v1::Loss> Samples() {
  std::vector<v1::Loss> samples(3);
  samples[0].mutable_binary_crossentropy();
  samples[1].mutable_binary_crossentropy()->set_from_logits(true);
  samples[2].mutable_binary_crossentropy()->set_label_smoothing(0.2);
  return samples;
}

}  // namespace

extern const LossKind binary_crossentropy_kind;
constinit const LossKind binary_crossentropy_kind = {
    .field = v1::Loss::kBinaryCrossentropy,
    .documentation = "The mean over a row's outputs of -(y log p + (1 - y) log(1 - p)).",
    .source = "Keras, BinaryCrossentropy",
    .fuses = v1::Activation::kSigmoid,
    .scoring = Scoring::kThreshold,
    .check = CheckSettings,
    .from_logits = FromLogits,
    .target = TargetOf,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::losses
