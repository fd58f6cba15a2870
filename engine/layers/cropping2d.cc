// SPDX-License-Identifier: Apache-2.0
// Cropping2d: an image without its edges.
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/layers/edges.h"
#include "engine/layers/weightless.h"
#include "engine/layers/window.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  return FillEdges("cropping", layer.mutable_cropping2d()->mutable_cropping(), 0);
}

kernels::Border BorderOf(const v1::Cropping2d& spec, const Shape& input) {
  const auto& edges = spec.cropping();
  return {.src_height = input[0],
          .src_width = input[1],
          .dst_height = input[0] - edges[0] - edges[1],
          .dst_width = input[1] - edges[2] - edges[3],
          .channels = input[2],
          .top = -edges[0],
          .left = -edges[2]};
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  RETURN_IF_ERROR(CheckImage(inputs[0]));
  const kernels::Border border = BorderOf(layer.cropping2d(), inputs[0]);
  if (border.dst_height < 1 || border.dst_width < 1)
    return base::InvalidArgument("cropping",
                                 absl::StrCat("all of ", inputs[0][0], "x", inputs[0][1]),
                                 "less than the image");
  return Shape{border.dst_height, border.dst_width, border.channels};
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  return OneLink(kernels::MakeBorder(BorderOf(layer.cropping2d(), inputs[0])));
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>>) {
  return BorderReference(BorderOf(layer.cropping2d(), shapes[0]), inputs[0]);
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  const kernels::Border border = BorderOf(use.spec.cropping2d(), use.shapes[0]);
  return Sliced(use.inputs[0], {-border.top, -border.left},
                {border.dst_height - border.top, border.dst_width - border.left}, model);
}

std::vector<Sample> Samples() {
  v1::Layer plain;
  plain.mutable_cropping2d();
  v1::Layer uneven;
  for (const int64_t edge : {1, 0, 2, 1}) uneven.mutable_cropping2d()->add_cropping(edge);
  return {{plain, {{4, 5, 3}}}, {uneven, {{3, 4, 17}}}};
}

}  // namespace

extern const LayerKind cropping2d_kind;
constinit const LayerKind cropping2d_kind = {
    .field = v1::Layer::kCropping2D,
    .documentation = "An image (height, width, channels) without its edges.",
    .source = "Keras, Cropping2D",
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
