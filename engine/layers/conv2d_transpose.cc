// SPDX-License-Identifier: Apache-2.0
// Conv2d transpose: what a convolution does to gradients, as a layer.
#include "engine/layers/activated.h"
#include "engine/layers/convolving.h"
#include "engine/layers/convolving_onnx.h"
#include "engine/layers/filters.h"

namespace gradus::layers {
namespace {

absl::Status Check(v1::Layer& layer) {
  v1::Conv2dTranspose& spec = *layer.mutable_conv2d_transpose();
  RETURN_IF_ERROR(CheckConvolution(spec));
  for (int i = 0; i < 2; ++i) {
    const int64_t reach = (spec.kernel_size(i) - 1) * spec.dilation_rate(i) + 1;
    if (spec.strides(i) > reach) {
      return base::InvalidArgument(absl::StrCat("strides[", i, "]"), absl::StrCat(spec.strides(i)),
                                   absl::StrCat("at most ", reach, ", what the kernel reaches"));
    }
  }
  return absl::OkStatus();
}

kernels::ConvolutionShape GeometryOf(const v1::Conv2dTranspose& spec, const Shape& input) {
  return {.axes = TransposedAxesOf(ImageOf(input), WindowsOfSpec(spec), spec.padding()),
          .channels = input.back(),
          .filters = spec.filters(),
          .groups = 1};
}

absl::StatusOr<Shape> Infer(const v1::Layer& layer, std::span<const Shape> inputs) {
  RETURN_IF_ERROR(CheckImage(inputs[0]));
  return OutputOf(GeometryOf(layer.conv2d_transpose(), inputs[0]));
}

std::vector<Weight> Weights(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Conv2dTranspose& spec = layer.conv2d_transpose();
  std::vector<Weight> weights =
      FilterWeights({spec.kernel_size(0), spec.kernel_size(1), spec.filters(), inputs[0].back()},
                    spec.kernel_initializer(), spec.use_bias(), spec.bias_initializer());
  if (spec.use_bias()) weights[1].shape = {spec.filters()};
  return Restrained(spec, std::move(weights));
}

std::vector<Lowered> Lower(const v1::Layer& layer, std::span<const Shape> inputs) {
  const v1::Conv2dTranspose& spec = layer.conv2d_transpose();
  const kernels::ConvolutionShape shape = GeometryOf(spec, inputs[0]);
  std::vector<Lowered> chain;
  chain.push_back({kernels::MakeTransposedConvolution(shape, spec.use_bias()),
                   spec.use_bias() ? std::vector<int>{0, 1} : std::vector<int>{0}});
  return chain;
}

// Its kernel's last axis is the input's.
bool FoldAfter(v1::Layer& layer, const ChannelMap& after, const Shape& output,
               WeightValues& weights) {
  auto& spec = *layer.mutable_conv2d_transpose();
  const auto others =
      static_cast<size_t>(spec.kernel_size(0) * spec.kernel_size(1) * spec.filters());
  return AbsorbAfter(spec, after, 0, weights[0].size() / others, output, weights);
}

std::vector<double> Reference(const v1::Layer& layer, std::span<const Shape> shapes,
                              std::span<const std::vector<double>> inputs,
                              std::span<const std::vector<double>> weights) {
  const v1::Conv2dTranspose& spec = layer.conv2d_transpose();
  return TransposedReference(
      GeometryOf(spec, shapes[0]), inputs[0], weights[0],
      spec.use_bias() ? std::span<const double>(weights[1]) : std::span<const double>());
}

absl::StatusOr<onnx::Value> Onnx(const OnnxUse& use, onnx::ModelWriter& model) {
  return WriteConvolution(use, GeometryOf(use.spec.conv2d_transpose(), use.shapes[0]), true, model);
}

const v1::Activation& ActivationOf(const v1::Layer& layer) {
  return layer.conv2d_transpose().activation();
}

using Whole = Activated<ActivationOf, Infer, Weights, Lower, Reference>;

std::vector<Sample> Samples() {
  v1::Layer layer;
  v1::Conv2dTranspose& spec = *layer.mutable_conv2d_transpose();
  spec.set_filters(5);
  spec.add_kernel_size(3);
  std::vector<Sample> samples = {{layer, {{3, 4, 2}}}};
  spec.add_strides(2);
  spec.set_padding(v1::SAME);
  spec.mutable_activation()->mutable_relu();
  samples.push_back({layer, {{3, 4, 2}}});
  spec.set_use_bias(false);
  spec.set_filters(1);
  samples.push_back({layer, {{2, 2, 17}}});
  return samples;
}

}  // namespace

extern const LayerKind conv2d_transpose_kind;
constinit const LayerKind conv2d_transpose_kind = {
    .field = v1::Layer::kConv2DTranspose,
    .documentation =
        "The transpose of a convolution over images, with activation; kernel is "
        "(height, width, filters, channels).",
    .source = "Keras, Conv2DTranspose; Zeiler et al. 2010",
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
