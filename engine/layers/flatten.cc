// SPDX-License-Identifier: Apache-2.0
// Flatten: each row of any shape becomes a vector, in C order.
#include "engine/layers/kind.h"

namespace gradus::layers {
namespace {

int64_t Product(const Shape& shape) {
  int64_t product = 1;
  for (const int64_t extent : shape) product *= extent;
  return product;
}

absl::Status Check(v1::Layer&) { return absl::OkStatus(); }

absl::StatusOr<Shape> Infer(const v1::Layer&, std::span<const Shape> inputs) {
  return Shape{Product(inputs[0])};
}

std::vector<Weight> Weights(const v1::Layer&, std::span<const Shape>) { return {}; }

std::vector<Lowered> Lower(const v1::Layer&, std::span<const Shape> inputs) {
  std::vector<Lowered> chain;
  chain.push_back({kernels::MakeView(Product(inputs[0])), {}});
  return chain;
}

std::vector<double> Reference(const v1::Layer&, std::span<const Shape>,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>>) {
  return inputs[0];
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
    .check = Check,
    .infer = Infer,
    .weights = Weights,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::layers
