// SPDX-License-Identifier: Apache-2.0
// Global max pooling1d: the largest value of each channel.
#include "engine/layers/pooling.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

std::vector<Sample> Samples() {
  return GlobalPoolingSamples([](v1::Layer& layer) { return layer.mutable_global_max_pooling1d(); },
                              false);
}

}  // namespace

extern const LayerKind global_max_pooling1d_kind;
constinit const LayerKind global_max_pooling1d_kind = {
    .field = v1::Layer::kGlobalMaxPooling1D,
    .documentation = "The largest value of each channel over a sequence (steps, channels).",
    .source = "Keras, GlobalMaxPooling1D",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = CheckGlobalPooling,
    .infer = InferGlobalPooling1d,
    .weights = NoWeights,
    .lower = LowerPool<kernels::Pool::kMax>,
    .reference = PoolReferenceOf<kernels::Pool::kMax>,
    .onnx = OnnxGlobalPool<kernels::Pool::kMax>,
    .samples = Samples,
};

}  // namespace gradus::layers
