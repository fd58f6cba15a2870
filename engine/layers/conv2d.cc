// SPDX-License-Identifier: Apache-2.0
// Conv2d: a convolution over images.
#include "engine/layers/activated.h"
#include "engine/layers/convolving.h"
#include "engine/layers/convolving_onnx.h"
#include "engine/layers/filters.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  v1::Conv2d& spec = *layer.mutable_conv2d();
  RETURN_IF_ERROR(CheckConvolution(spec));
  if (!spec.has_groups()) spec.set_groups(1);
  return CheckGroups(spec.groups(), spec.filters());
}

kernels::ConvolutionShape GeometryOf(const v1::Conv2d& spec, const Shape& input) {
  return FilterShape(input, WindowsOfSpec(spec), spec.padding(), spec.filters(), spec.groups());
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Conv2d& spec = layer.conv2d();
  RETURN_IF_ERROR(CheckImage(inputs[0]));
  return InferFilters(inputs[0], WindowsOfSpec(spec), spec.padding(), spec.filters(),
                      spec.groups());
}

std::vector<Weight> Weights(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Conv2d& spec = layer.conv2d();
  return Restrained(
      spec, FilterWeights({spec.kernel_size(0), spec.kernel_size(1),
                           inputs[0].back() / spec.groups(), spec.filters()},
                          spec.kernel_initializer(), spec.use_bias(), spec.bias_initializer()));
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Conv2d& spec = layer.conv2d();
  return FilterChain(GeometryOf(spec, inputs[0]), spec.use_bias());
}

bool FoldAfter(v1::Layer& layer, const ChannelMap& after, const Shape& output,
               WeightValues& weights) {
  return AbsorbAfter(*layer.mutable_conv2d(), after, 0, 1, output, weights);
}

bool FoldBefore(v1::Layer& layer, const ChannelMap& before, const Shape& input,
                WeightValues& weights) {
  auto& spec = *layer.mutable_conv2d();
  return AbsorbBefore(spec, before, static_cast<size_t>(input.back() / spec.groups()),
                      static_cast<size_t>(spec.filters()), static_cast<size_t>(spec.groups()),
                      spec.padding() != v1::VALID, weights);
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>> weights) {
  const v1::Conv2d& spec = layer.conv2d();
  return ConvolutionReference(
      GeometryOf(spec, shapes[0]), inputs[0], weights[0],
      spec.use_bias() ? std::span<const double>(weights[1]) : std::span<const double>());
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  return WriteConvolution(use, GeometryOf(use.spec.conv2d(), use.shapes[0]), false, model);
}

const v1::Activation& ActivationOf(const v1::Layer& layer) { return layer.conv2d().activation(); }

using Whole = Activated<ActivationOf, Infer, Weights, Lower, Reference>;

v1::Layer Make(int64_t filters, int64_t kernel, int64_t stride, v1::Padding padding,
               int64_t dilation = 1, int64_t groups = 1) {
  v1::Layer layer;
  v1::Conv2d& spec = *layer.mutable_conv2d();
  spec.set_filters(filters);
  spec.add_kernel_size(kernel);
  spec.add_strides(stride);
  spec.add_dilation_rate(dilation);
  spec.set_padding(padding);
  spec.set_groups(groups);
  return layer;
}

std::vector<Sample> Samples() {
  std::vector<Sample> samples = {
      {Make(7, 3, 1, v1::VALID), {{6, 5, 3}}},      {Make(17, 3, 1, v1::SAME), {{5, 4, 2}}},
      {Make(4, 3, 2, v1::SAME), {{6, 7, 1}}},       {Make(3, 2, 1, v1::VALID, 2), {{5, 5, 2}}},
      {Make(6, 3, 2, v1::SAME, 1, 2), {{5, 6, 4}}}, {Make(5, 1, 1, v1::VALID), {{1, 1, 19}}},
  };
  samples[1].spec.mutable_conv2d()->mutable_activation()->mutable_relu();
  samples[2].spec.mutable_conv2d()->mutable_activation()->mutable_softmax();
  samples[3].spec.mutable_conv2d()->set_use_bias(false);
  v1::Prelu& shared = *samples[4].spec.mutable_conv2d()->mutable_activation()->mutable_prelu();
  shared.add_shared_axes(1);
  shared.add_shared_axes(2);
  v1::Conv2d& uneven = *samples[0].spec.mutable_conv2d();
  uneven.add_kernel_size(2);
  uneven.add_strides(2);
  return samples;
}

}  // namespace

extern const LayerKind conv2d_kind;
constinit const LayerKind conv2d_kind = {
    .field = v1::Layer::kConv2D,
    .documentation =
        "A convolution over images (height, width, channels), with activation; kernel "
        "is (height, width, channels / groups, filters).",
    .source = "Keras, Conv2D; LeCun et al. 1998",
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
