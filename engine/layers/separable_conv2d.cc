// SPDX-License-Identifier: Apache-2.0
// Separable conv2d: a depthwise convolution, then one with windows of 1 by 1.
#include "engine/layers/activated.h"
#include "engine/layers/convolving.h"
#include "engine/layers/convolving_onnx.h"
#include "engine/layers/depthwise.h"
#include "engine/layers/filters.h"

namespace gradus::layers {
namespace {

constexpr Windows kPoint = {Window{}, Window{}};

absl::Status Check(v1::Layer& layer) {
  v1::SeparableConv2d& spec = *layer.mutable_separable_conv2d();
  RETURN_IF_ERROR(CheckFilters(spec.filters()));
  RETURN_IF_ERROR(CheckDepthwise(spec));
  FillInitializer(spec.mutable_pointwise_initializer(), Glorot);
  return CheckWindows(spec);
}

kernels::ConvolutionShape PointwiseShape(const v1::SeparableConv2d& spec, const Shape& input) {
  return FilterShape(OutputOf(DepthwiseShape(spec, input)), kPoint, v1::VALID, spec.filters(), 1);
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  ASSIGN_OR_RETURN(Shape shape, InferDepthwise(layer.separable_conv2d(), inputs[0]));
  shape.back() = layer.separable_conv2d().filters();
  return shape;
}

std::vector<Weight> Weights(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::SeparableConv2d& spec = layer.separable_conv2d();
  const int64_t between = inputs[0].back() * spec.depth_multiplier();
  std::vector<Weight> weights =
      FilterWeights({1, 1, between, spec.filters()}, spec.pointwise_initializer(), spec.use_bias(),
                    spec.bias_initializer());
  weights[0].name = "pointwise_kernel";
  weights[0].regularizer = spec.pointwise_regularizer();
  weights[0].constraint = spec.pointwise_constraint();
  RestrainBias(spec, weights);
  weights.insert(weights.begin(), DepthwiseKernel(spec, inputs[0]));
  return weights;
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::SeparableConv2d& spec = layer.separable_conv2d();
  std::vector<Lowered> chain;
  chain.push_back({kernels::MakeConvolution(DepthwiseShape(spec, inputs[0]), false), {0}});
  const kernels::ConvolutionShape pointwise = PointwiseShape(spec, inputs[0]);
  chain.push_back({kernels::MakeConvolution(pointwise, spec.use_bias()),
                   spec.use_bias() ? std::vector<int>{1, 2} : std::vector<int>{1}});
  return chain;
}

bool FoldAfter(v1::Layer& layer, const ChannelMap& after, const Shape& output,
               WeightValues& weights) {
  return AbsorbAfter(*layer.mutable_separable_conv2d(), after, 1, 1, output, weights);
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>> weights) {
  const v1::SeparableConv2d& spec = layer.separable_conv2d();
  const std::vector<double> between =
      ConvolutionReference(DepthwiseShape(spec, shapes[0]), inputs[0], weights[0], {});
  return ConvolutionReference(
      PointwiseShape(spec, shapes[0]), between, weights[1],
      spec.use_bias() ? std::span<const double>(weights[2]) : std::span<const double>());
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  const v1::SeparableConv2d& spec = use.spec.separable_conv2d();
  const Shape& input = use.shapes[0];
  const onnx::Value x = ChannelsFirst(use.inputs[0], input.size(), model);
  const onnx::Value between = WriteFilters(x, input.size(), DepthwiseShape(spec, input), false,
                                           use.weights.first(1), model);
  const onnx::Value y = WriteFilters(between, input.size(), PointwiseShape(spec, input), false,
                                     use.weights.subspan(1), model);
  return ChannelsLast(y, input.size(), model);
}

const v1::Activation& ActivationOf(const v1::Layer& layer) {
  return layer.separable_conv2d().activation();
}

using Whole = Activated<ActivationOf, Infer, Weights, Lower, Reference>;

std::vector<Sample> Samples() {
  v1::Layer layer;
  v1::SeparableConv2d& spec = *layer.mutable_separable_conv2d();
  spec.set_filters(5);
  spec.add_kernel_size(3);
  std::vector<Sample> samples = {{layer, {{5, 4, 3}}}};
  spec.set_depth_multiplier(2);
  spec.set_padding(v1::SAME);
  spec.add_strides(2);
  spec.set_use_bias(false);
  spec.mutable_activation()->mutable_relu();
  samples.push_back({layer, {{6, 5, 2}}});
  return samples;
}

}  // namespace

extern const LayerKind separable_conv2d_kind;
constinit const LayerKind separable_conv2d_kind = {
    .field = v1::Layer::kSeparableConv2D,
    .documentation =
        "A convolution of each channel of an image by itself, then one of windows of "
        "1 by 1, with activation.",
    .source = "Keras, SeparableConv2D; Chollet 2017",
    .min_inputs = 1,
    .max_inputs = 1,
    .check = Check,
    .infer = Whole::Infer,
    .weights = Whole::Weights,
    .lower = Whole::Lower,
    .reference = Whole::Reference,
    .absorb_after = FoldAfter,
    .activation = ActivationOf,
    .onnx = Whole::Onnx<Onnx>,
    .samples = Samples,
};

}  // namespace gradus::layers
