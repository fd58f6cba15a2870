// SPDX-License-Identifier: Apache-2.0
// SpatialDropout: whole channels become 0 at random, in training.
#include "absl/strings/str_cat.h"
#include "engine/kernels/noise.h"
#include "engine/layers/extents.h"
#include "engine/layers/settings.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& spec) {
  return CheckRate(spec.spatial_dropout().has_rate(), spec.spatial_dropout().rate());
}

absl::StatusOr<Shape> Infer(const v1::Layer&, std::span<const Shape> inputs) {
  if (inputs[0].size() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("an input of shape ", TextOf(inputs[0]),
                     " has no positions beside its channels; use a dropout layer"));
  }
  return inputs[0];
}

std::vector<Lowered> Lower(const v1::Layer& spec, std::span<const Shape> inputs) {
  const int64_t values = CountOf(inputs[0]);
  const int64_t channels = inputs[0].back();
  const double rate = spec.spatial_dropout().rate();
  if (rate == 0) return OneLink(kernels::MakeView(values));
  const auto kept = rate == 1 ? 0.0F : static_cast<float>(1 / (1 - rate));
  return OneLink(kernels::MakeNoise({.name = "dropped_channels",
                                     .purpose = base::RandomPurpose::kDropout,
                                     .factors = kernels::Chosen(rate, 0, kept),
                                     .summands = nullptr},
                                    values / channels, channels));
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  spec.mutable_spatial_dropout()->set_rate(0.5);
  std::vector<Sample> samples = {
      {spec, {{1, 1}}}, {spec, {{4, 19}}}, {spec, {{3, 2, 5}}}, {spec, {{2, 2, 3, 17}}}};
  spec.mutable_spatial_dropout()->set_rate(0.1);
  samples.push_back({spec, {{2, 2, 3, 17}}});
  return samples;
}

}  // namespace

extern const LayerKind spatial_dropout_kind;
constinit const LayerKind spatial_dropout_kind = {
    .field = v1::Layer::kSpatialDropout,
    .documentation =
        "In training sets whole channels (the last axis) to 0 at random and scales the others.",
    .source = "Tompson, Goroshin, Jain, LeCun, Bregler 2015; Keras, SpatialDropout2D",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = Infer,
    .weights = NoWeights,
    .lower = Lower,
    .reference = SameValues,
    .random = true,
    .onnx = SameOnnx,
    .samples = Samples,
};

}  // namespace gradus::layers
