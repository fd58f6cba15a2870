// SPDX-License-Identifier: Apache-2.0
// Activation: a function of each element, or of each vector along the last axis, as a layer.
#include "engine/layers/activated.h"
#include "engine/layers/extents.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) { return activations::Check(*layer.mutable_activation()); }

const v1::Activation& ActivationOf(const v1::Layer& layer) { return layer.activation(); }

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  RETURN_IF_ERROR(activations::CheckShape(layer.activation(), inputs[0]));
  return inputs[0];
}

std::vector<Weight> Weights(const v1::Layer& layer, std::span<const Shape> inputs) {
  return activations::Weights(layer.activation(), inputs[0]);
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  std::vector<Lowered> chain;
  AppendActivation(layer.activation(), inputs[0], 0, chain);
  if (chain.empty()) return OneLink(kernels::MakeView(CountOf(inputs[0])));
  return chain;
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>> weights) {
  return activations::Reference(layer.activation(), shapes[0], inputs[0], weights);
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  return activations::Onnx(use.spec.activation(), use.inputs[0], use.weights, model);
}

std::vector<Sample> Samples() {
  std::vector<Sample> samples;
  for (const activations::ActivationKind* kind : activations::Table()) {
    for (const v1::Activation& activation : kind->samples()) {
      v1::Layer layer;
      *layer.mutable_activation() = activation;
      samples.push_back({layer, {{3, 5}}});
    }
  }
  return samples;
}

}  // namespace

extern const LayerKind activation_kind;
constinit const LayerKind activation_kind = {
    .field = v1::Layer::kActivation,
    .documentation = "A function of each element, or of each vector along the last axis.",
    .source = "Keras, Activation",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = Infer,
    .weights = Weights,
    .lower = Lower,
    .reference = Reference,
    .activation = ActivationOf,
    .onnx = Onnx,
    .samples = Samples,
};

}  // namespace gradus::layers
