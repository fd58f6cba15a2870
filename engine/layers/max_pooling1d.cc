// SPDX-License-Identifier: Apache-2.0
// Max pooling1d: the largest value of each window.
#include "engine/layers/pooling.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

std::vector<Sample> Samples() {
  return Pooling1dSamples([](v1::Layer& layer) { return layer.mutable_max_pooling1d(); });
}

}  // namespace

extern const LayerKind max_pooling1d_kind;
constinit const LayerKind max_pooling1d_kind = {
    .field = v1::Layer::kMaxPooling1D,
    .documentation =
        "The largest value of each window over a sequence (steps, channels), channel by channel.",
    .source = "Keras, MaxPooling1D",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = CheckPooling1d,
    .infer = InferPooling,
    .weights = NoWeights,
    .lower = LowerPool<kernels::Pool::kMax>,
    .reference = PoolReferenceOf<kernels::Pool::kMax>,
    .onnx = OnnxPool<kernels::Pool::kMax>,
    .samples = Samples,
};

}  // namespace gradus::layers
