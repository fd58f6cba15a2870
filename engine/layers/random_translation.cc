// SPDX-License-Identifier: Apache-2.0
// RandomTranslation: images are shifted at random, in training.
#include "engine/layers/augmentation.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  v1::RandomTranslation& spec = *layer.mutable_random_translation();
  RETURN_IF_ERROR(CheckFactors("height_factor", spec.height_factor()));
  RETURN_IF_ERROR(CheckFactors("width_factor", spec.width_factor()));
  return CheckReading(spec);
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::RandomTranslation& spec = layer.random_translation();
  kernels::ImageSampling sampling = ReadingOf("translation", spec, inputs[0]);
  const auto height = static_cast<double>(sampling.height);
  const auto width = static_cast<double>(sampling.width);
  sampling.draw = [spec, height, width](const base::Philox::Words& words) {
    kernels::PixelMap map;
    map.y0 = -height * BetweenFactors(spec.height_factor(), words[0]);
    map.x0 = -width * BetweenFactors(spec.width_factor(), words[1]);
    return map;
  };
  return OneLink(kernels::MakeImageSampling(std::move(sampling)));
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  v1::RandomTranslation& settings = *spec.mutable_random_translation();
  settings.add_height_factor(0.3);
  settings.add_width_factor(-0.5);
  settings.add_width_factor(1);
  std::vector<Sample> samples = {{spec, {{6, 5, 3}}}};
  settings.set_fill_mode(v1::Fill::CONSTANT);
  settings.set_fill_value(0.5);
  samples.push_back({spec, {{5, 7, 1}}});
  settings.set_fill_mode(v1::Fill::WRAP);
  samples.push_back({spec, {{4, 4, 2}}});
  settings.set_fill_mode(v1::Fill::NEAREST);
  settings.set_interpolation(v1::Interpolation::NEAREST);
  samples.push_back({spec, {{4, 6, 2}}});
  return samples;
}

}  // namespace

extern const LayerKind random_translation_kind;
constinit const LayerKind random_translation_kind = {
    .field = v1::Layer::kRandomTranslation,
    .documentation = "In training shifts images (height, width, channels) at random.",
    .source = "Keras, RandomTranslation",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = ImageShape,
    .weights = NoWeights,
    .lower = Lower,
    .reference = SameValues,
    .random = true,
    .onnx = SameOnnx,
    .samples = Samples,
};

}  // namespace gradus::layers
