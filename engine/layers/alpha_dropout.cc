// SPDX-License-Identifier: Apache-2.0
// AlphaDropout: values become selu's limit at random, in training.
#include <cmath>

#include "engine/kernels/noise.h"
#include "engine/layers/extents.h"
#include "engine/layers/settings.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

// selu's limit at minus infinity: -alpha * scale.
constexpr double kLimit = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946;

absl::Status Check(v1::Layer& spec) {
  return CheckRateBelowOne(spec.alpha_dropout().has_rate(), spec.alpha_dropout().rate());
}

std::vector<Lowered> Lower(const v1::Layer& spec, std::span<const Shape> inputs) {
  const int64_t values = CountOf(inputs[0]);
  const double rate = spec.alpha_dropout().rate();
  if (rate == 0) return OneLink(kernels::MakeView(values));
  // a * x + b has mean 0 and variance 1 where the kept values have.
  const double a = 1 / std::sqrt((1 - rate) * (1 + rate * kLimit * kLimit));
  const double b = -a * kLimit * rate;
  return OneLink(kernels::MakeNoise(
      {.name = "dropped_to_limit",
       .purpose = base::RandomPurpose::kDropout,
       .factors = kernels::Chosen(rate, 0, static_cast<float>(a)),
       .summands =
           kernels::Chosen(rate, static_cast<float>(a * kLimit + b), static_cast<float>(b))},
      1, values));
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  spec.mutable_alpha_dropout()->set_rate(0.5);
  std::vector<Sample> samples = {
      {spec, {{1}}}, {spec, {{19}}}, {spec, {{3, 5}}}, {spec, {{2, 3, 17}}}};
  spec.mutable_alpha_dropout()->set_rate(0.1);
  samples.push_back({spec, {{2, 3, 17}}});
  return samples;
}

}  // namespace

extern const LayerKind alpha_dropout_kind;
constinit const LayerKind alpha_dropout_kind = {
    .field = v1::Layer::kAlphaDropout,
    .documentation =
        "In training sets values to selu's limit at random, then scales and shifts all so that "
        "mean and variance stay.",
    .source = "Klambauer, Unterthiner, Mayr, Hochreiter 2017, eq. 6; Keras, AlphaDropout",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = SameShape,
    .weights = NoWeights,
    .lower = Lower,
    .reference = SameValues,
    .random = true,
    .onnx = SameOnnx,
    .samples = Samples,
};

}  // namespace gradus::layers
