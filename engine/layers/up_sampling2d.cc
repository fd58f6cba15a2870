// SPDX-License-Identifier: Apache-2.0
// Up sampling2d: an image with more positions.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/resampling.h"
#include "engine/layers/weightless.h"
#include "engine/layers/window.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  constexpr int64_t kTwo[] = {2};
  constexpr int64_t kMost = 1024;
  v1::UpSampling2d& spec = *layer.mutable_up_sampling2d();
  RETURN_IF_ERROR(FillPair("size", spec.mutable_size(), kTwo));
  for (int i = 0; i < 2; ++i) {
    if (spec.size(i) > kMost)
      return base::InvalidArgument(absl::StrCat("size[", i, "]"), absl::StrCat(spec.size(i)),
                                   absl::StrCat("at most ", kMost));
  }
  if (spec.interpolation() == v1::UpSampling2d::INTERPOLATION_UNSPECIFIED)
    spec.set_interpolation(v1::UpSampling2d::NEAREST);
  return absl::OkStatus();
}

kernels::Resampling ResamplingOf(const v1::UpSampling2d& spec, const Shape& input) {
  return {.height = input[0],
          .width = input[1],
          .channels = input[2],
          .height_factor = spec.size(0),
          .width_factor = spec.size(1),
          .linear = spec.interpolation() == v1::UpSampling2d::BILINEAR};
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  RETURN_IF_ERROR(CheckImage(inputs[0]));
  const v1::UpSampling2d& spec = layer.up_sampling2d();
  return Shape{inputs[0][0] * spec.size(0), inputs[0][1] * spec.size(1), inputs[0][2]};
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  return OneLink(kernels::MakeResampling(ResamplingOf(layer.up_sampling2d(), inputs[0])));
}

// The two positions that one lies between, and the second one's part.
struct Between {
  int64_t first;
  int64_t second;
  double part;
};

Between BetweenOf(int64_t at, int64_t extent, int64_t factor, bool linear) {
  const double place = (static_cast<double>(at) + 0.5) / static_cast<double>(factor) - 0.5;
  if (!linear) return {at / factor, at / factor, 0};
  const auto below = static_cast<int64_t>(std::floor(place));
  return {std::clamp<int64_t>(below, 0, extent - 1), std::clamp<int64_t>(below + 1, 0, extent - 1),
          place - static_cast<double>(below)};
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>>) {
  const kernels::Resampling r = ResamplingOf(layer.up_sampling2d(), shapes[0]);
  const auto value = [&](int64_t row, int64_t column, int64_t c) {
    return inputs[0][static_cast<size_t>((row * r.width + column) * r.channels + c)];
  };
  std::vector<double> y;
  for (int64_t row = 0; row < r.height * r.height_factor; ++row) {
    const Between h = BetweenOf(row, r.height, r.height_factor, r.linear);
    for (int64_t column = 0; column < r.width * r.width_factor; ++column) {
      const Between w = BetweenOf(column, r.width, r.width_factor, r.linear);
      for (int64_t c = 0; c < r.channels; ++c) {
        const double above =
            value(h.first, w.first, c) * (1 - w.part) + value(h.first, w.second, c) * w.part;
        const double below =
            value(h.second, w.first, c) * (1 - w.part) + value(h.second, w.second, c) * w.part;
        y.push_back(above * (1 - h.part) + below * h.part);
      }
    }
  }
  return y;
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  const v1::UpSampling2d& spec = use.spec.up_sampling2d();
  const bool linear = spec.interpolation() == v1::UpSampling2d::BILINEAR;
  const onnx::Value scales = model.Constant(
      "scales", {4}, {1, 1, static_cast<float>(spec.size(0)), static_cast<float>(spec.size(1))});
  std::vector<onnx::Attribute> attributes = {{"mode", std::string(linear ? "linear" : "nearest")}};
  attributes.push_back(
      {"coordinate_transformation_mode", std::string(linear ? "half_pixel" : "asymmetric")});
  if (!linear) attributes.push_back({"nearest_mode", std::string("floor")});
  const onnx::Value x = ChannelsFirst(use.inputs[0], 3, model);
  return ChannelsLast(model.Node("Resize", {x, "", scales}, attributes), 3, model);
}

std::vector<Sample> Samples() {
  v1::Layer layer;
  v1::UpSampling2d& spec = *layer.mutable_up_sampling2d();
  std::vector<Sample> samples = {{layer, {{2, 3, 3}}}};
  spec.add_size(3);
  spec.add_size(1);
  samples.push_back({layer, {{3, 2, 17}}});
  spec.set_interpolation(v1::UpSampling2d::BILINEAR);
  samples.push_back({layer, {{3, 4, 2}}});
  return samples;
}

}  // namespace

extern const LayerKind up_sampling2d_kind;
constinit const LayerKind up_sampling2d_kind = {
    .field = v1::Layer::kUpSampling2D,
    .documentation = "An image (height, width, channels) with more positions, nearest or bilinear.",
    .source = "Keras, UpSampling2D",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = Infer,
    .weights = NoWeights,
    .lower = Lower,
    .reference = Reference,
    .onnx = Onnx,
    .samples = Samples,
};

}  // namespace gradus::layers
