// SPDX-License-Identifier: Apache-2.0
// Global average pooling2d: the mean of each channel.
#include "engine/layers/pooling.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

std::vector<Sample> Samples() {
  return GlobalPoolingSamples(
      [](v1::Layer& layer) { return layer.mutable_global_average_pooling2d(); }, true);
}

}  // namespace

extern const LayerKind global_average_pooling2d_kind;
constinit const LayerKind global_average_pooling2d_kind = {
    .field = v1::Layer::kGlobalAveragePooling2D,
    .documentation = "The mean of each channel over an image (height, width, channels).",
    .source = "Keras, GlobalAveragePooling2D",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = CheckGlobalPooling,
    .infer = InferGlobalPooling2d,
    .weights = NoWeights,
    .lower = LowerPool<kernels::Pool::kMean>,
    .reference = PoolReferenceOf<kernels::Pool::kMean>,
    .onnx = OnnxGlobalPool<kernels::Pool::kMean>,
    .samples = Samples,
};

}  // namespace gradus::layers
