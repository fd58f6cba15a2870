// SPDX-License-Identifier: Apache-2.0
// Layers that end with an activation: what they are without it, and it, which may have weights of
// its own.
#pragma once

#include <cstddef>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/status.h"
#include "engine/layers/activations/kind.h"
#include "engine/layers/kind.h"

namespace gradus::layers {

// Adds the activation of outputs of `shape`; its weights are those of the layer from `first` on.
void AppendActivation(const v1::Activation& activation, const Shape& shape, size_t first,
                      std::vector<Lowered>& chain);

// LayerKind's functions, out of those for what comes before the activation; its field is called
// `activation`.
template <decltype(LayerKind::activation) kActivation, decltype(LayerKind::infer) kInfer,
          decltype(LayerKind::weights) kWeights, decltype(LayerKind::lower) kLower,
          decltype(LayerKind::reference) kReference>
struct Activated {
  static absl::StatusOr<Shape> Infer(const v1::Layer& spec, std::span<const Shape> inputs) {
    ASSIGN_OR_RETURN(Shape shape, kInfer(spec, inputs));
    RETURN_IF_ERROR(base::InField(activations::CheckShape(kActivation(spec), shape), "activation"));
    return shape;
  }

  static std::vector<Weight> Weights(const v1::Layer& spec, std::span<const Shape> inputs) {
    std::vector<Weight> weights = kWeights(spec, inputs);
    for (Weight& weight : activations::Weights(kActivation(spec), *kInfer(spec, inputs))) {
      weight.initializer_field.insert(0, "activation.");
      weights.push_back(std::move(weight));
    }
    return weights;
  }

  static std::vector<Lowered> Lower(const v1::Layer& spec, std::span<const Shape> inputs) {
    std::vector<Lowered> chain = kLower(spec, inputs);
    AppendActivation(kActivation(spec), *kInfer(spec, inputs), kWeights(spec, inputs).size(),
                     chain);
    return chain;
  }

  static std::vector<double> Reference(const v1::Layer& spec, std::span<const Shape> shapes,
                                       std::span<const std::vector<double>> inputs,
                                       std::span<const std::vector<double>> weights) {
    const size_t own = kWeights(spec, shapes).size();
    return activations::Reference(kActivation(spec), *kInfer(spec, shapes),
                                  kReference(spec, shapes, inputs, weights.first(own)),
                                  weights.subspan(own));
  }

  template <decltype(LayerKind::onnx) kOnnx>
  static absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
    const size_t own = kWeights(use.spec, use.shapes).size();
    ASSIGN_OR_RETURN(const onnx::Value y,
                     kOnnx({use.spec, use.shapes, use.inputs, use.weights.first(own)}, model));
    return activations::Onnx(kActivation(use.spec), y, use.weights.subspan(own), model);
  }
};

}  // namespace gradus::layers
