// SPDX-License-Identifier: Apache-2.0
// GaussianDropout: values times normal noise of mean 1, in training.
#include <cmath>

#include "engine/kernels/noise.h"
#include "engine/layers/extents.h"
#include "engine/layers/settings.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& spec) {
  return CheckRateBelowOne(spec.gaussian_dropout().has_rate(), spec.gaussian_dropout().rate());
}

std::vector<Lowered> Lower(const v1::Layer& spec, std::span<const Shape> inputs) {
  const int64_t values = CountOf(inputs[0]);
  const double rate = spec.gaussian_dropout().rate();
  if (rate == 0) return OneLink(kernels::MakeView(values));
  const auto stddev = static_cast<float>(std::sqrt(rate / (1 - rate)));
  return OneLink(kernels::MakeNoise({.name = "normal_factors",
                                     .purpose = base::RandomPurpose::kNoise,
                                     .factors = kernels::NormallyDistributed(1, stddev),
                                     .summands = nullptr},
                                    1, values));
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  spec.mutable_gaussian_dropout()->set_rate(0.5);
  std::vector<Sample> samples = {
      {spec, {{1}}}, {spec, {{19}}}, {spec, {{3, 5}}}, {spec, {{2, 3, 17}}}};
  spec.mutable_gaussian_dropout()->set_rate(0.1);
  samples.push_back({spec, {{2, 3, 17}}});
  return samples;
}

}  // namespace

extern const LayerKind gaussian_dropout_kind;
constinit const LayerKind gaussian_dropout_kind = {
    .field = v1::Layer::kGaussianDropout,
    .documentation =
        "In training multiplies values by normal noise of mean 1 and variance rate / (1 - rate).",
    .source = "Srivastava et al. 2014, sec. 10; Keras, GaussianDropout",
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
