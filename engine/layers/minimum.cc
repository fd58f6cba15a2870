// SPDX-License-Identifier: Apache-2.0
// Minimum: the smallest of its inputs, element by element.
#include <algorithm>

#include "engine/layers/merging.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

std::vector<Lowered> Lower(const v1::Layer&, std::span<const Shape> inputs) {
  return LowerMerge(kernels::kSmallest, inputs);
}

std::vector<double> Reference(const v1::Layer&, std::span<const Shape>,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>>) {
  return Folded(inputs, [](double a, double b) { return std::min(a, b); });
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  return model.Node("Min", {use.inputs.begin(), use.inputs.end()});
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  spec.mutable_minimum();
  return MergeSamples(spec, 5);
}

}  // namespace

extern const LayerKind minimum_kind;
constinit const LayerKind minimum_kind = {
    .field = v1::Layer::kMinimum,
    .documentation = "The smallest of its inputs, element by element.",
    .source = "Keras, Minimum",
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
