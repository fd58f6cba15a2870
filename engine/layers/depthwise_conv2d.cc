// SPDX-License-Identifier: Apache-2.0
// Depthwise conv2d: a convolution of each channel by itself, which is one with a group a channel.
#include "engine/layers/activated.h"
#include "engine/layers/convolving.h"
#include "engine/layers/convolving_onnx.h"
#include "engine/layers/depthwise.h"
#include "engine/layers/filters.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  v1::DepthwiseConv2d& spec = *layer.mutable_depthwise_conv2d();
  RETURN_IF_ERROR(CheckDepthwise(spec));
  return CheckWindows(spec);
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  return InferDepthwise(layer.depthwise_conv2d(), inputs[0]);
}

std::vector<Weight> Weights(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::DepthwiseConv2d& spec = layer.depthwise_conv2d();
  std::vector<Weight> weights = {DepthwiseKernel(spec, inputs[0])};
  if (!spec.use_bias()) return weights;
  weights.push_back({.name = "bias",
                     .shape = {inputs[0].back() * spec.depth_multiplier()},
                     .initializer = spec.bias_initializer(),
                     .fan_in = weights[0].fan_in,
                     .fan_out = weights[0].fan_out});
  RestrainBias(spec, weights);
  return weights;
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::DepthwiseConv2d& spec = layer.depthwise_conv2d();
  return FilterChain(DepthwiseShape(spec, inputs[0]), spec.use_bias());
}

bool FoldAfter(v1::Layer& layer, const ChannelMap& after, const Shape& output,
               WeightValues& weights) {
  return AbsorbAfter(*layer.mutable_depthwise_conv2d(), after, 0, 1, output, weights);
}

// A group a channel.
bool FoldBefore(v1::Layer& layer, const ChannelMap& before, const Shape& input,
                WeightValues& weights) {
  auto& spec = *layer.mutable_depthwise_conv2d();
  const auto channels = static_cast<size_t>(input.back());
  return AbsorbBefore(spec, before, 1, channels * static_cast<size_t>(spec.depth_multiplier()),
                      channels, spec.padding() != v1::VALID, weights);
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>> weights) {
  const v1::DepthwiseConv2d& spec = layer.depthwise_conv2d();
  const kernels::ConvolutionShape shape = DepthwiseShape(spec, shapes[0]);
  return ConvolutionReference(
      shape, inputs[0], weights[0],
      spec.use_bias() ? std::span<const double>(weights[1]) : std::span<const double>());
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  return WriteConvolution(use, DepthwiseShape(use.spec.depthwise_conv2d(), use.shapes[0]), false,
                          model);
}

const v1::Activation& ActivationOf(const v1::Layer& layer) {
  return layer.depthwise_conv2d().activation();
}

using Whole = Activated<ActivationOf, Infer, Weights, Lower, Reference>;

std::vector<Sample> Samples() {
  v1::Layer layer;
  v1::DepthwiseConv2d& spec = *layer.mutable_depthwise_conv2d();
  spec.add_kernel_size(3);
  std::vector<Sample> samples = {{layer, {{5, 4, 3}}}};
  spec.set_depth_multiplier(2);
  spec.set_padding(v1::SAME);
  spec.add_strides(2);
  spec.mutable_activation()->mutable_relu();
  samples.push_back({layer, {{6, 5, 17}}});
  spec.set_depth_multiplier(1);
  spec.set_use_bias(false);
  samples.push_back({layer, {{3, 3, 1}}});
  return samples;
}

}  // namespace

extern const LayerKind depthwise_conv2d_kind;
constinit const LayerKind depthwise_conv2d_kind = {
    .field = v1::Layer::kDepthwiseConv2D,
    .documentation =
        "A convolution of each channel of an image by itself, with activation; kernel "
        "is (height, width, channels, depth_multiplier).",
    .source = "Keras, DepthwiseConv2D",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = Whole::Infer,
    .weights = Whole::Weights,
    .lower = Whole::Lower,
    .reference = Whole::Reference,
    .absorb_after = FoldAfter,
    .absorb_before = FoldBefore,
    .activation = ActivationOf,
    .onnx = Whole::Onnx<Onnx>,
    .samples = Samples,
};

}  // namespace gradus::layers
