// SPDX-License-Identifier: Apache-2.0
// What layers that pool have in common: they differ only in which value of a window counts.
#pragma once

#include <span>
#include <vector>

#include "engine/kernels/pooling.h"
#include "engine/layers/kind.h"

namespace gradus::layers {

// Functions of LayerKind, for each kind whose message is Pooling1d, Pooling2d or GlobalPooling.
absl::Status CheckPooling1d(v1::Layer& layer);
absl::Status CheckPooling2d(v1::Layer& layer);
absl::Status CheckGlobalPooling(v1::Layer& layer);
absl::StatusOr<Shape> InferPooling(const v1::Layer& layer, std::span<const Shape> inputs);
absl::StatusOr<Shape> InferGlobalPooling1d(const v1::Layer& layer, std::span<const Shape> inputs);
absl::StatusOr<Shape> InferGlobalPooling2d(const v1::Layer& layer, std::span<const Shape> inputs);

std::vector<Lowered> LowerPooling(const v1::Layer& layer, std::span<const Shape> inputs,
                                  kernels::Pool pool);
std::vector<double> PoolingReference(const v1::Layer& layer, std::span<const Shape> shapes,
                                     std::span<const std::vector<double>> inputs,
                                     kernels::Pool pool);
absl::StatusOr<onnx::Value> PoolingOnnx(const OnnxUse& use, onnx::ModelWriter& model,
                                        kernels::Pool pool);
absl::StatusOr<onnx::Value> GlobalPoolingOnnx(const OnnxUse& use, onnx::ModelWriter& model,
                                              kernels::Pool pool);

template <kernels::Pool kPool>
std::vector<Lowered> LowerPool(const v1::Layer& layer, std::span<const Shape> inputs) {
  return LowerPooling(layer, inputs, kPool);
}
template <kernels::Pool kPool>
std::vector<double> PoolReferenceOf(const v1::Layer& layer, std::span<const Shape> shapes,
                                    std::span<const std::vector<double>> inputs,
                                    std::span<const std::vector<double>>) {
  return PoolingReference(layer, shapes, inputs, kPool);
}
template <kernels::Pool kPool>
absl::StatusOr<onnx::Value> OnnxPool(const OnnxUse& use, onnx::ModelWriter& model) {
  return PoolingOnnx(use, model, kPool);
}
template <kernels::Pool kPool>
absl::StatusOr<onnx::Value> OnnxGlobalPool(const OnnxUse& use, onnx::ModelWriter& model) {
  return GlobalPoolingOnnx(use, model, kPool);
}

// Samples of a kind: `make` gives its message in an empty layer.
std::vector<Sample> Pooling1dSamples(v1::Pooling1d* (*make)(v1::Layer& layer));
std::vector<Sample> Pooling2dSamples(v1::Pooling2d* (*make)(v1::Layer& layer));
std::vector<Sample> GlobalPoolingSamples(v1::GlobalPooling* (*make)(v1::Layer& layer), bool images);

}  // namespace gradus::layers
