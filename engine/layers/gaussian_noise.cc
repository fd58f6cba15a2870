// SPDX-License-Identifier: Apache-2.0
// GaussianNoise: values plus normal noise, in training.
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/noise.h"
#include "engine/layers/extents.h"
#include "engine/layers/settings.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  const v1::GaussianNoise& spec = layer.gaussian_noise();
  if (!spec.has_stddev() || !(spec.stddev() >= 0)) {
    return base::InvalidArgument("stddev",
                                 spec.has_stddev() ? absl::StrCat(spec.stddev()) : "nothing",
                                 "a number from 0 on");
  }
  return CheckFloat("stddev", spec.stddev());
}

std::vector<Lowered> Lower(const v1::Layer& spec, std::span<const Shape> inputs) {
  const int64_t values = CountOf(inputs[0]);
  const auto stddev = static_cast<float>(spec.gaussian_noise().stddev());
  if (stddev == 0) return OneLink(kernels::MakeView(values));
  return OneLink(kernels::MakeNoise({.name = "normal_summands",
                                     .purpose = base::RandomPurpose::kNoise,
                                     .factors = nullptr,
                                     .summands = kernels::NormallyDistributed(0, stddev)},
                                    1, values));
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  spec.mutable_gaussian_noise()->set_stddev(0.5);
  std::vector<Sample> samples = {
      {spec, {{1}}}, {spec, {{19}}}, {spec, {{3, 5}}}, {spec, {{2, 3, 17}}}};
  spec.mutable_gaussian_noise()->set_stddev(2);
  samples.push_back({spec, {{2, 3, 17}}});
  return samples;
}

}  // namespace

extern const LayerKind gaussian_noise_kind;
constinit const LayerKind gaussian_noise_kind = {
    .field = v1::Layer::kGaussianNoise,
    .documentation = "In training adds normal noise of mean 0.",
    .source = "Keras, GaussianNoise",
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
