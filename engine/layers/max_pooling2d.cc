// SPDX-License-Identifier: Apache-2.0
// Max pooling2d: the largest value of each window.
#include "engine/layers/pooling.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

std::vector<Sample> Samples() {
  return Pooling2dSamples([](v1::Layer& layer) { return layer.mutable_max_pooling2d(); });
}

}  // namespace

extern const LayerKind max_pooling2d_kind;
constinit const LayerKind max_pooling2d_kind = {
    .field = v1::Layer::kMaxPooling2D,
    .documentation =
        "The largest value of each window over an image (height, width, channels), channel by "
        "channel.",
    .source = "Keras, MaxPooling2D",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = CheckPooling2d,
    .infer = InferPooling,
    .weights = NoWeights,
    .lower = LowerPool<kernels::Pool::kMax>,
    .reference = PoolReferenceOf<kernels::Pool::kMax>,
    .onnx = OnnxPool<kernels::Pool::kMax>,
    .samples = Samples,
};

}  // namespace gradus::layers
