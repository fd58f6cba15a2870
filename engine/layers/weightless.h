// SPDX-License-Identifier: Apache-2.0
// What layers without weights have in common.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/layers/kind.h"

namespace gradus::layers {

// LayerKind::check of one without settings.
absl::Status NoSettings(v1::Layer& spec);
// LayerKind::infer of one that keeps its input's shape.
absl::StatusOr<Shape> SameShape(const v1::Layer& spec, std::span<const Shape> inputs);
// LayerKind::weights.
std::vector<Weight> NoWeights(const v1::Layer& spec, std::span<const Shape> inputs);
// LayerKind::reference of one that leaves the values of its input as they are.
std::vector<double> SameValues(const v1::Layer& spec, std::span<const Shape> shapes,
                               std::span<const std::vector<double>> inputs,
                               std::span<const std::vector<double>> weights);

// LayerKind::onnx of one that leaves the values of its input as they are.
absl::StatusOr<onnx::Value> SameOnnx(const OnnxUse& use, onnx::ModelWriter& model);

// A chain of one operation.
std::vector<Lowered> OneLink(std::unique_ptr<const kernels::Operation> operation);

}  // namespace gradus::layers
