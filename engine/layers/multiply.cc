// SPDX-License-Identifier: Apache-2.0
// Multiply: the product of its inputs, element by element.
#include "engine/layers/merging.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

std::vector<Lowered> Lower(const v1::Layer&, std::span<const Shape> inputs) {
  return LowerMerge(kernels::kProduct, inputs);
}

std::vector<double> Reference(const v1::Layer&, std::span<const Shape>,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>>) {
  return Folded(inputs, [](double a, double b) { return a * b; });
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  onnx::Value product = use.inputs[0];
  for (const onnx::Value& factor : use.inputs.subspan(1))
    product = model.Node("Mul", {product, factor});
  return product;
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  spec.mutable_multiply();
  return MergeSamples(spec, 5);
}

}  // namespace

extern const LayerKind multiply_kind;
constinit const LayerKind multiply_kind = {
    .field = v1::Layer::kMultiply,
    .documentation = "The product of its inputs, element by element.",
    .source = "Keras, Multiply",
    .min_inputs = 2,
    .max_inputs = kMostMerged,
    .check = NoSettings,
    .infer = CommonShape,
    .weights = NoWeights,
    .lower = Lower,
    .reference = Reference,
    .onnx = Onnx,
    .samples = Samples,
};

}  // namespace gradus::layers
