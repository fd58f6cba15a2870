// SPDX-License-Identifier: Apache-2.0
// Conv1d: a convolution over sequences, computed as one over images of height 1.
#include "engine/layers/activated.h"
#include "engine/layers/convolving.h"
#include "engine/layers/convolving_onnx.h"
#include "engine/layers/filters.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  v1::Conv1d& spec = *layer.mutable_conv1d();
  RETURN_IF_ERROR(CheckFilters(spec.filters()));
  if (!spec.has_strides()) spec.set_strides(1);
  if (!spec.has_dilation_rate()) spec.set_dilation_rate(1);
  if (!spec.has_groups()) spec.set_groups(1);
  if (!spec.has_use_bias()) spec.set_use_bias(true);
  RETURN_IF_ERROR(CheckExtent("kernel_size", spec.kernel_size()));
  RETURN_IF_ERROR(CheckExtent("strides", spec.strides()));
  RETURN_IF_ERROR(CheckExtent("dilation_rate", spec.dilation_rate()));
  ASSIGN_OR_RETURN(const v1::Padding padding, CheckPadding(spec.padding(), true));
  spec.set_padding(padding);
  RETURN_IF_ERROR(base::InField(activations::Check(*spec.mutable_activation()), "activation"));
  FillInitializer(spec.mutable_kernel_initializer(), Glorot);
  FillInitializer(spec.mutable_bias_initializer(), AllZeros);
  return CheckGroups(spec.groups(), spec.filters());
}

Windows WindowsOfThis(const v1::Conv1d& spec) {
  return {Window{}, Window{spec.kernel_size(), spec.strides(), spec.dilation_rate()}};
}

kernels::ConvolutionShape GeometryOf(const v1::Conv1d& spec, const Shape& input) {
  return FilterShape(input, WindowsOfThis(spec), spec.padding(), spec.filters(), spec.groups());
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Conv1d& spec = layer.conv1d();
  RETURN_IF_ERROR(CheckSequence(inputs[0]));
  return InferFilters(inputs[0], WindowsOfThis(spec), spec.padding(), spec.filters(),
                      spec.groups());
}

std::vector<Weight> Weights(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Conv1d& spec = layer.conv1d();
  return Restrained(
      spec, FilterWeights({spec.kernel_size(), inputs[0].back() / spec.groups(), spec.filters()},
                          spec.kernel_initializer(), spec.use_bias(), spec.bias_initializer()));
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Conv1d& spec = layer.conv1d();
  return FilterChain(GeometryOf(spec, inputs[0]), spec.use_bias());
}

bool FoldAfter(v1::Layer& layer, const ChannelMap& after, const Shape& output,
               WeightValues& weights) {
  return AbsorbAfter(*layer.mutable_conv1d(), after, 0, 1, output, weights);
}

bool FoldBefore(v1::Layer& layer, const ChannelMap& before, const Shape& input,
                WeightValues& weights) {
  auto& spec = *layer.mutable_conv1d();
  return AbsorbBefore(spec, before, static_cast<size_t>(input.back() / spec.groups()),
                      static_cast<size_t>(spec.filters()), static_cast<size_t>(spec.groups()),
                      spec.padding() != v1::VALID, weights);
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>> weights) {
  const v1::Conv1d& spec = layer.conv1d();
  return ConvolutionReference(
      GeometryOf(spec, shapes[0]), inputs[0], weights[0],
      spec.use_bias() ? std::span<const double>(weights[1]) : std::span<const double>());
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  return WriteConvolution(use, GeometryOf(use.spec.conv1d(), use.shapes[0]), false, model);
}

const v1::Activation& ActivationOf(const v1::Layer& layer) { return layer.conv1d().activation(); }

using Whole = Activated<ActivationOf, Infer, Weights, Lower, Reference>;

v1::Layer Make(int64_t filters, int64_t kernel, int64_t stride, v1::Padding padding,
               int64_t dilation = 1, int64_t groups = 1) {
  v1::Layer layer;
  v1::Conv1d& spec = *layer.mutable_conv1d();
  spec.set_filters(filters);
  spec.set_kernel_size(kernel);
  spec.set_strides(stride);
  spec.set_padding(padding);
  spec.set_dilation_rate(dilation);
  spec.set_groups(groups);
  return layer;
}

std::vector<Sample> Samples() {
  std::vector<Sample> samples = {
      {Make(7, 3, 1, v1::VALID), {{6, 5}}},  {Make(17, 2, 1, v1::CAUSAL, 2), {{7, 3}}},
      {Make(4, 3, 2, v1::SAME), {{7, 2}}},   {Make(6, 3, 1, v1::SAME, 1, 2), {{5, 4}}},
      {Make(3, 1, 1, v1::VALID), {{1, 19}}},
  };
  samples[0].spec.mutable_conv1d()->mutable_activation()->mutable_tanh();
  samples[2].spec.mutable_conv1d()->set_use_bias(false);
  return samples;
}

}  // namespace

extern const LayerKind conv1d_kind;
constinit const LayerKind conv1d_kind = {
    .field = v1::Layer::kConv1D,
    .documentation =
        "A convolution over sequences (steps, channels), with activation; kernel is "
        "(kernel_size, channels / groups, filters).",
    .source = "Keras, Conv1D",
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
