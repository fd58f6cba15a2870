// SPDX-License-Identifier: Apache-2.0
// Average: the mean of its inputs, element by element.
#include "engine/layers/merging.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

std::vector<Lowered> Lower(const v1::Layer&, std::span<const Shape> inputs) {
  return LowerMerge(kernels::kMean, inputs);
}

std::vector<double> Reference(const v1::Layer&, std::span<const Shape>,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>>) {
  std::vector<double> mean = Folded(inputs, [](double a, double b) { return a + b; });
  for (double& value : mean) value /= static_cast<double>(inputs.size());
  return mean;
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  return model.Node("Mean", {use.inputs.begin(), use.inputs.end()});
}

std::vector<Sample> Samples() {
  v1::Layer spec;
  spec.mutable_average();
  return MergeSamples(spec, 5);
}

}  // namespace

extern const LayerKind average_kind;
constinit const LayerKind average_kind = {
    .field = v1::Layer::kAverage,
    .documentation = "The mean of its inputs, element by element.",
    .source = "Keras, Average",
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
