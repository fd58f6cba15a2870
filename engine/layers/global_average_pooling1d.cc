// SPDX-License-Identifier: Apache-2.0
// Global average pooling1d: the mean of each channel.
#include "engine/layers/pooling.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

std::vector<Sample> Samples() {
  return GlobalPoolingSamples(
      [](v1::Layer& layer) { return layer.mutable_global_average_pooling1d(); }, false);
}

}  // namespace

extern const LayerKind global_average_pooling1d_kind;
constinit const LayerKind global_average_pooling1d_kind = {
    .field = v1::Layer::kGlobalAveragePooling1D,
    .documentation = "The mean of each channel over a sequence (steps, channels).",
    .source = "Keras, GlobalAveragePooling1D",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = CheckGlobalPooling,
    .infer = InferGlobalPooling1d,
    .weights = NoWeights,
    .lower = LowerPool<kernels::Pool::kMean>,
    .reference = PoolReferenceOf<kernels::Pool::kMean>,
    .onnx = OnnxGlobalPool<kernels::Pool::kMean>,
    .samples = Samples,
};

}  // namespace gradus::layers
