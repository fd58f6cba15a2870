// SPDX-License-Identifier: Apache-2.0
// Add: the sum of its inputs, element by element.
#include "engine/layers/merging.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

std::vector<Lowered> Lower(const v1::Layer&, std::span<const Shape> inputs) {
  return LowerMerge(kernels::kSum, inputs);
}

std::vector<double> Reference(const v1::Layer&, std::span<const Shape>,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>>) {
  return Folded(inputs, [](double a, double b) { return a + b; });
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  return model.Node("Sum", {use.inputs.begin(), use.inputs.end()});
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  spec.mutable_add();
  return MergeSamples(spec, 5);
}

}  // namespace

extern const LayerKind add_kind;
constinit const LayerKind add_kind = {
    .field = v1::Layer::kAdd,
    .documentation = "The sum of its inputs, element by element.",
    .source = "Keras, Add",
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
