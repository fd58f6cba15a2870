// SPDX-License-Identifier: Apache-2.0
// Maximum: the largest of its inputs, element by element.
#include <algorithm>

#include "engine/layers/merging.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

std::vector<Lowered> Lower(const v1::Layer&, std::span<const Shape> inputs) {
  return LowerMerge(kernels::kLargest, inputs);
}

std::vector<double> Reference(const v1::Layer&, std::span<const Shape>,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>>) {
  return Folded(inputs, [](double a, double b) { return std::max(a, b); });
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  return model.Node("Max", {use.inputs.begin(), use.inputs.end()});
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  spec.mutable_maximum();
  return MergeSamples(spec, 5);
}

}  // namespace

extern const LayerKind maximum_kind;
constinit const LayerKind maximum_kind = {
    .field = v1::Layer::kMaximum,
    .documentation = "The largest of its inputs, element by element.",
    .source = "Keras, Maximum",
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
