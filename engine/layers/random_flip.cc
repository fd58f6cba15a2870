// SPDX-License-Identifier: Apache-2.0
// RandomFlip: images are mirrored at random, in training.
#include "engine/layers/augmentation.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  v1::RandomFlip& spec = *layer.mutable_random_flip();
  if (spec.mode() == v1::RandomFlip::MODE_UNSPECIFIED)
    spec.set_mode(v1::RandomFlip::HORIZONTAL_AND_VERTICAL);
  return absl::OkStatus();
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::RandomFlip::Mode mode = layer.random_flip().mode();
  const bool horizontal = mode != v1::RandomFlip::VERTICAL;
  const bool vertical = mode != v1::RandomFlip::HORIZONTAL;
  kernels::ImageSampling sampling = SamplingOf("flip", inputs[0]);
  const auto last_x = static_cast<double>(sampling.width - 1);
  const auto last_y = static_cast<double>(sampling.height - 1);
  sampling.draw = [=](const base::Philox::Words& words) {
    kernels::PixelMap map;
    if (horizontal && words[0] >> 31U != 0) {
      map.xx = -1;
      map.x0 = last_x;
    }
    if (vertical && words[1] >> 31U != 0) {
      map.yy = -1;
      map.y0 = last_y;
    }
    return map;
  };
  return OneLink(kernels::MakeImageSampling(std::move(sampling)));
}

std::vector<Sample> Samples() {
  std::vector<Sample> samples;
  for (const auto mode : {v1::RandomFlip::HORIZONTAL, v1::RandomFlip::VERTICAL,
                          v1::RandomFlip::HORIZONTAL_AND_VERTICAL}) {
    Sample sample;
    sample.spec.mutable_random_flip()->set_mode(mode);
    sample.inputs = {{5, 4, 3}};
    samples.push_back(std::move(sample));
  }
  samples[0].inputs = {{1, 1, 1}};
  return samples;
}

}  // namespace

extern const LayerKind random_flip_kind;
constinit const LayerKind random_flip_kind = {
    .field = v1::Layer::kRandomFlip,
    .documentation = "In training mirrors images (height, width, channels) at random.",
    .source = "Keras, RandomFlip",
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
