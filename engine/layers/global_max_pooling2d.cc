// SPDX-License-Identifier: Apache-2.0
// Global max pooling2d: the largest value of each channel.
#include "engine/layers/pooling.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

std::vector<Sample> Samples() {
  return GlobalPoolingSamples([](v1::Layer& layer) { return layer.mutable_global_max_pooling2d(); },
                              true);
}

}  // namespace

extern const LayerKind global_max_pooling2d_kind;
constinit const LayerKind global_max_pooling2d_kind = {
    .field = v1::Layer::kGlobalMaxPooling2D,
    .documentation = "The largest value of each channel over an image (height, width, channels).",
    .source = "Keras, GlobalMaxPooling2D",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = CheckGlobalPooling,
    .infer = InferGlobalPooling2d,
    .weights = NoWeights,
    .lower = LowerPool<kernels::Pool::kMax>,
    .reference = PoolReferenceOf<kernels::Pool::kMax>,
    .onnx = OnnxGlobalPool<kernels::Pool::kMax>,
    .samples = Samples,
};

}  // namespace gradus::layers
