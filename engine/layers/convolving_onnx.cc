// SPDX-License-Identifier: Apache-2.0
// Layers with windows in ONNX.
#include "engine/layers/convolving_onnx.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace gradus::layers {
namespace {

using kernels::ConvolutionAxis;

// The axes that rows of this rank have.
std::span<const ConvolutionAxis> AxesOfRank(const std::array<ConvolutionAxis, 2>& axes,
                                            size_t rank) {
  return std::span(axes).subspan(axes.size() + 1 - rank);
}

std::vector<int64_t> Each(std::span<const ConvolutionAxis> axes, int64_t ConvolutionAxis::*field) {
  std::vector<int64_t> values;
  for (const ConvolutionAxis& axis : axes) values.push_back(axis.*field);
  return values;
}

std::vector<onnx::Attribute> WindowAttributes(std::span<const ConvolutionAxis> axes) {
  std::vector<int64_t> pads;
  for (const ConvolutionAxis& axis : axes) pads.push_back(axis.before);
  // What no window reaches is left out by rounding down.
  for (const ConvolutionAxis& axis : axes) pads.push_back(std::max<int64_t>(0, axis.after));
  return {{"kernel_shape", Each(axes, &ConvolutionAxis::kernel)},
          {"strides", Each(axes, &ConvolutionAxis::stride)},
          {"pads", std::move(pads)}};
}

// The last two axes first, the last one before the other.
onnx::Tensor KernelFirst(onnx::Tensor kernel, const kernels::ConvolutionShape& shape,
                         bool transposed) {
  // A depthwise kernel has its filters in two axes.
  if (!transposed) {
    kernel.shape[kernel.shape.size() - 2] = shape.channels / shape.groups;
    kernel.shape.back() = shape.filters;
  }
  const size_t rank = kernel.shape.size();
  std::vector<size_t> axes(rank);
  axes[0] = rank - 1;
  axes[1] = rank - 2;
  std::iota(axes.begin() + 2, axes.end(), 0);
  return onnx::Permuted(kernel, axes);
}

}  // namespace

onnx::Value WriteFilters(const onnx::Value& x, size_t rank, const kernels::ConvolutionShape& shape,
                         bool transposed, std::span<const onnx::Tensor> weights,
                         onnx::ModelWriter& model) {
  const std::span<const ConvolutionAxis> axes = AxesOfRank(shape.axes, rank);
  std::vector<onnx::Attribute> attributes = WindowAttributes(axes);
  attributes.push_back({"dilations", Each(axes, &ConvolutionAxis::dilation)});
  attributes.push_back({"group", shape.groups});
  std::vector<onnx::Value> inputs = {x, model.Constant(KernelFirst(weights[0], shape, transposed))};
  if (weights.size() > 1) inputs.push_back(model.Constant(weights[1]));
  return model.Node(transposed ? "ConvTranspose" : "Conv", std::move(inputs), attributes);
}

onnx::Value WriteConvolution(const OnnxUse& use, const kernels::ConvolutionShape& shape,
                             bool transposed, onnx::ModelWriter& model) {
  const size_t rank = use.shapes[0].size();
  const onnx::Value x = ChannelsFirst(use.inputs[0], rank, model);
  return ChannelsLast(WriteFilters(x, rank, shape, transposed, use.weights, model), rank, model);
}

onnx::Value WritePool(const char* op, const OnnxUse& use,
                      const std::array<ConvolutionAxis, 2>& axes, onnx::ModelWriter& model) {
  const size_t rank = use.shapes[0].size();
  const onnx::Value x = ChannelsFirst(use.inputs[0], rank, model);
  return ChannelsLast(model.Node(op, {x}, WindowAttributes(AxesOfRank(axes, rank))), rank, model);
}

}  // namespace gradus::layers
