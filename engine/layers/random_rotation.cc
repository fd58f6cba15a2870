// SPDX-License-Identifier: Apache-2.0
// RandomRotation: images are turned around their centre at random, in training.
#include <cmath>
#include <numbers>

#include "engine/layers/augmentation.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  v1::RandomRotation& spec = *layer.mutable_random_rotation();
  RETURN_IF_ERROR(CheckFactors("factor", spec.factor()));
  return CheckReading(spec);
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::RandomRotation& spec = layer.random_rotation();
  kernels::ImageSampling sampling = ReadingOf("rotation", spec, inputs[0]);
  const double centre_y = static_cast<double>(sampling.height - 1) / 2;
  const double centre_x = static_cast<double>(sampling.width - 1) / 2;
  // Rows count downwards, so this turns counter-clockwise.
  sampling.draw = [spec, centre_y, centre_x](const base::Philox::Words& words) {
    const double angle = 2 * std::numbers::pi * BetweenFactors(spec.factor(), words[0]);
    const double sine = std::sin(angle);
    const double cosine = std::cos(angle);
    return kernels::PixelMap{.xx = cosine,
                             .xy = -sine,
                             .x0 = centre_x - cosine * centre_x + sine * centre_y,
                             .yx = sine,
                             .yy = cosine,
                             .y0 = centre_y - sine * centre_x - cosine * centre_y};
  };
  return OneLink(kernels::MakeImageSampling(std::move(sampling)));
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  v1::RandomRotation& settings = *spec.mutable_random_rotation();
  settings.add_factor(0.4);
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

extern const LayerKind random_rotation_kind;
constinit const LayerKind random_rotation_kind = {
    .field = v1::Layer::kRandomRotation,
    .documentation =
        "In training turns images (height, width, channels) around their centre at random.",
    .source = "Keras, RandomRotation",
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
