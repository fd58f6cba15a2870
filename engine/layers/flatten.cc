// SPDX-License-Identifier: Apache-2.0
// Flatten: each row of any shape becomes a vector, in C order.
#include "engine/layers/extents.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

absl::StatusOr<Shape> Infer(const v1::Layer&, std::span<const Shape> inputs) {
  return Shape{CountOf(inputs[0])};
}

std::vector<Lowered> Lower(const v1::Layer&, std::span<const Shape> inputs) {
  return OneLink(kernels::MakeView(CountOf(inputs[0])));
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  return Reshaped(use.inputs[0], {CountOf(use.shapes[0])}, model);
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  spec.mutable_flatten();
  return {{spec, {{4, 3}}}, {spec, {{5}}}, {spec, {{2, 3, 2}}}};
}

}  // namespace

extern const LayerKind flatten_kind;
constinit const LayerKind flatten_kind = {
    .field = v1::Layer::kFlatten,
    .documentation = "Turns each row of any shape into a vector, in C order.",
    .source = "Keras, Flatten",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = NoSettings,
    .infer = Infer,
    .weights = NoWeights,
    .lower = Lower,
    .reference = SameValues,
    .onnx = Onnx,
    .samples = Samples,
};

}  // namespace gradus::layers
