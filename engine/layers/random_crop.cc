// SPDX-License-Identifier: Apache-2.0
// RandomCrop: a rectangle of each image, at random in training and the centre otherwise.
#include "absl/strings/str_cat.h"
#include "engine/layers/augmentation.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

absl::Status CheckExtent(absl::string_view path, int64_t value) {
  if (value >= 1) return absl::OkStatus();
  return base::InvalidArgument(path, absl::StrCat(value), "a positive number");
}

absl::Status Check(v1::Layer& layer) {
  const v1::RandomCrop& spec = layer.random_crop();
  RETURN_IF_ERROR(CheckExtent("height", spec.height()));
  return CheckExtent("width", spec.width());
}

absl::Status CheckFits(absl::string_view path, int64_t value, int64_t most) {
  if (value <= most) return absl::OkStatus();
  return base::InvalidArgument(path, absl::StrCat(value),
                               absl::StrCat("at most the input's ", path, ", ", most));
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::RandomCrop& spec = layer.random_crop();
  ASSIGN_OR_RETURN(const Shape image, ImageShape(layer, inputs));
  RETURN_IF_ERROR(CheckFits("height", spec.height(), image[0]));
  RETURN_IF_ERROR(CheckFits("width", spec.width(), image[1]));
  return Shape{spec.height(), spec.width(), image[2]};
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::RandomCrop& spec = layer.random_crop();
  kernels::ImageSampling sampling = SamplingOf("crop", inputs[0]);
  sampling.dst_height = spec.height();
  sampling.dst_width = spec.width();
  const auto rest_y = static_cast<uint64_t>(sampling.height - spec.height());
  const auto rest_x = static_cast<uint64_t>(sampling.width - spec.width());
  sampling.draw = [rest_y, rest_x](const base::Philox::Words& words) {
    kernels::PixelMap map;
    map.y0 = static_cast<double>((words[0] * (rest_y + 1)) >> 32U);
    map.x0 = static_cast<double>((words[1] * (rest_x + 1)) >> 32U);
    return map;
  };
  sampling.still.y0 = static_cast<double>(rest_y / 2);
  sampling.still.x0 = static_cast<double>(rest_x / 2);
  return OneLink(kernels::MakeImageSampling(std::move(sampling)));
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>>) {
  const v1::RandomCrop& spec = layer.random_crop();
  const int64_t top = (shapes[0][0] - spec.height()) / 2;
  const int64_t left = (shapes[0][1] - spec.width()) / 2;
  std::vector<double> result;
  for (int64_t y = 0; y < spec.height(); ++y) {
    for (int64_t x = 0; x < spec.width(); ++x) {
      for (int64_t c = 0; c < shapes[0][2]; ++c) {
        const int64_t at = ((top + y) * shapes[0][1] + left + x) * shapes[0][2] + c;
        result.push_back(inputs[0][static_cast<size_t>(at)]);
      }
    }
  }
  return result;
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  const v1::RandomCrop& spec = use.spec.random_crop();
  const int64_t top = (use.shapes[0][0] - spec.height()) / 2;
  const int64_t left = (use.shapes[0][1] - spec.width()) / 2;
  return Sliced(use.inputs[0], {top, left}, {top + spec.height(), left + spec.width()}, model);
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  spec.mutable_random_crop()->set_height(3);
  spec.mutable_random_crop()->set_width(4);
  return {{spec, {{3, 4, 1}}}, {spec, {{5, 4, 2}}}, {spec, {{6, 9, 3}}}};
}

}  // namespace

extern const LayerKind random_crop_kind;
constinit const LayerKind random_crop_kind = {
    .field = v1::Layer::kRandomCrop,
    .documentation =
        "A rectangle of each image (height, width, channels): anywhere in training, the centre in "
        "an evaluation.",
    .source = "Keras, RandomCrop; an evaluation takes the centre without scaling",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = Infer,
    .weights = NoWeights,
    .lower = Lower,
    .reference = Reference,
    .random = true,
    .onnx = Onnx,
    .samples = Samples,
};

}  // namespace gradus::layers
