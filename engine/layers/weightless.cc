// SPDX-License-Identifier: Apache-2.0
// What layers without weights have in common.
#include "engine/layers/weightless.h"

#include <utility>

namespace gradus::layers {

absl::Status NoSettings(v1::Layer&) { return absl::OkStatus(); }

absl::StatusOr<Shape> SameShape(const v1::Layer&, std::span<const Shape> inputs) {
  return inputs[0];
}

std::vector<Weight> NoWeights(const v1::Layer&, std::span<const Shape>) { return {}; }

std::vector<double> SameValues(const v1::Layer&, std::span<const Shape>,
                               std::span<const std::vector<double>> inputs,
                               std::span<const std::vector<double>>) {
  return inputs[0];
}

absl::StatusOr<onnx::Value> SameOnnx(const OnnxUse& use, onnx::ModelWriter&) {
  return use.inputs[0];
}

std::vector<Lowered> OneLink(std::unique_ptr<const kernels::Operation> operation) {
  std::vector<Lowered> chain;
  chain.push_back({std::move(operation), {}});
  return chain;
}

}  // namespace gradus::layers
