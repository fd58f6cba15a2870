// SPDX-License-Identifier: Apache-2.0
// Average pooling2d: the mean of each window.
#include "engine/layers/pooling.h"
#include "engine/layers/weightless.h"

namespace gradus::layers {
namespace {

std::vector<Sample> Samples() {
  return Pooling2dSamples([](v1::Layer& layer) { return layer.mutable_average_pooling2d(); });
}

}  // namespace

extern const LayerKind average_pooling2d_kind;
constinit const LayerKind average_pooling2d_kind = {
    .field = v1::Layer::kAveragePooling2D,
    .documentation =
        "The mean of each window over an image (height, width, channels), channel by channel.",
    .source = "Keras, AveragePooling2D",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = CheckPooling2d,
    .infer = InferPooling,
    .weights = NoWeights,
    .lower = LowerPool<kernels::Pool::kMean>,
    .reference = PoolReferenceOf<kernels::Pool::kMean>,
    .onnx = OnnxPool<kernels::Pool::kMean>,
    .samples = Samples,
};

}  // namespace gradus::layers
