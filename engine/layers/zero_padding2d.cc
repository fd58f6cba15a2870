// SPDX-License-Identifier: Apache-2.0
// Zero padding2d: zeros around an image.
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/layers/edges.h"
#include "engine/layers/weightless.h"
#include "engine/layers/window.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  return FillEdges("padding", layer.mutable_zero_padding2d()->mutable_padding(), 1);
}

kernels::Border BorderOf(const v1::ZeroPadding2d& spec, const Shape& input) {
  const auto& edges = spec.padding();
  return {.src_height = input[0],
          .src_width = input[1],
          .dst_height = input[0] + edges[0] + edges[1],
          .dst_width = input[1] + edges[2] + edges[3],
          .channels = input[2],
          .top = edges[0],
          .left = edges[2]};
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  RETURN_IF_ERROR(CheckImage(inputs[0]));
  const kernels::Border border = BorderOf(layer.zero_padding2d(), inputs[0]);
  return Shape{border.dst_height, border.dst_width, border.channels};
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  return OneLink(kernels::MakeBorder(BorderOf(layer.zero_padding2d(), inputs[0])));
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>>) {
  return BorderReference(BorderOf(layer.zero_padding2d(), shapes[0]), inputs[0]);
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  const auto& edges = use.spec.zero_padding2d().padding();
  const onnx::Value pads =
      model.Integers("pads", {0, edges[0], edges[2], 0, 0, edges[1], edges[3], 0});
  return model.Node("Pad", {use.inputs[0], pads});
}

std::vector<Sample> Samples() {
  v1::Layer plain;
  plain.mutable_zero_padding2d();
  v1::Layer uneven;
  for (const int64_t edge : {1, 0, 2, 1}) uneven.mutable_zero_padding2d()->add_padding(edge);
  return {{plain, {{4, 5, 3}}}, {uneven, {{3, 4, 17}}}};
}

}  // namespace

extern const LayerKind zero_padding2d_kind;
constinit const LayerKind zero_padding2d_kind = {
    .field = v1::Layer::kZeroPadding2D,
    .documentation = "Zeros around an image (height, width, channels).",
    .source = "Keras, ZeroPadding2D",
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
