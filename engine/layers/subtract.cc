// SPDX-License-Identifier: Apache-2.0
// Subtract: the first input minus the second, element by element.
#include "engine/layers/merging.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

std::vector<Lowered> Lower(const v1::Layer&, std::span<const Shape> inputs) {
  return LowerMerge(kernels::kDifference, inputs);
}

std::vector<double> Reference(const v1::Layer&, std::span<const Shape>,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>>) {
  return Folded(inputs, [](double a, double b) { return a - b; });
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  return model.Node("Sub", {use.inputs.begin(), use.inputs.end()});
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  spec.mutable_subtract();
  return MergeSamples(spec, 2);
}

}  // namespace

extern const LayerKind subtract_kind;
constinit const LayerKind subtract_kind = {
    .field = v1::Layer::kSubtract,
    .documentation = "The first input minus the second, element by element.",
    .source = "Keras, Subtract",
    .min_inputs = 2,
    .max_inputs = 2,
    .check = NoSettings,
    .infer = CommonShape,
    .weights = NoWeights,
    .lower = Lower,
    .reference = Reference,
    .onnx = Onnx,
    .samples = Samples,
};

}  // namespace gradus::layers
