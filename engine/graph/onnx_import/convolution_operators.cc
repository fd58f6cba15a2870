// SPDX-License-Identifier: Apache-2.0
// Convolutions and their transposes.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <utility>

#include "engine/base/status.h"
#include "engine/formats/onnx/tensor.h"
#include "engine/graph/onnx_import/arrangement.h"
#include "engine/graph/onnx_import/operators.h"
#include "engine/graph/onnx_import/windows.h"

namespace gradus::onnx_import {
namespace {

// What a node with a kernel takes: its rows with channels last, and its constants.
struct Filters {
  int source = 0;
  // Of the rows, without the batch: 2 for sequences, 3 for images.
  size_t rank = 0;
  // Along the rows' positions, then channels.
  Shape shape;
  const onnx::Constant* kernel = nullptr;
  const onnx::Constant* bias = nullptr;

  std::span<const int64_t> sizes() const { return std::span(kernel->shape).subspan(2); }
  Shape extents() const { return {shape.begin(), shape.end() - 1}; }
};

absl::StatusOr<Filters> FiltersOf(NodeUse& use) {
  ASSIGN_OR_RETURN(const Rows rows, use.RowsAt(0));
  Filters filters = {.rank = rows.axes.size() - 1};
  if (filters.rank != 2 && filters.rank != 3)
    return NodeUse::Unknown("windows along one axis or two are known, not along others");
  ASSIGN_OR_RETURN(filters.kernel, use.FloatsAt(1));
  if (filters.kernel->shape.size() != filters.rank + 1 || filters.kernel->size() == 0)
    return absl::InvalidArgumentError("its kernel is not of the rank of its rows");
  if (use.Has(2)) {
    ASSIGN_OR_RETURN(filters.bias, use.FloatsAt(2));
  }
  if (use.Says("kernel_shape") &&
      !std::ranges::equal(use.Integers("kernel_shape"), filters.sizes()))
    return absl::InvalidArgumentError("its kernel is not of the kernel_shape that it says");
  ASSIGN_OR_RETURN(filters.source, ChannelsLast(use.network(), rows));
  filters.shape = use.network().shape_of(filters.source);
  return filters;
}

// ONNX's kernel (filters, channels, positions) with the first two axes at the end, the first last.
std::vector<float> Turned(const onnx::Constant& kernel, Shape& shape) {
  std::vector<size_t> axes(kernel.shape.size(), 0);
  std::iota(axes.begin(), axes.end() - 2, 2);
  axes[axes.size() - 2] = 1;
  onnx::Tensor turned = onnx::Permuted({{}, kernel.shape, *kernel.floats()}, axes);
  shape = std::move(turned.shape);
  return std::move(turned.values);
}

std::vector<GivenWeight> WeightsOf(const NodeUse& use, const Filters& filters) {
  std::vector<GivenWeight> weights(1);
  weights[0].name = "kernel";
  weights[0].values = Turned(*filters.kernel, weights[0].shape);
  weights[0].from = use.name_of(1);
  if (filters.bias != nullptr)
    weights.push_back({"bias", filters.bias->shape, *filters.bias->floats(), use.name_of(2)});
  return weights;
}

// Settings that images have twice.
template <typename Spec>
void SetWindows(std::span<const AxisWindows> axes, v1::Padding padding, Spec& spec) {
  const bool square = axes[0].window.size == axes[1].window.size;
  for (const AxisWindows& axis : axes.first(square ? 1 : 2)) spec.add_kernel_size(axis.window.size);
  const auto each = [&](int64_t layers::Window::*field, auto add) {
    if (axes[0].window.*field == 1 && axes[1].window.*field == 1) return;
    const bool alike = axes[0].window.*field == axes[1].window.*field;
    for (const AxisWindows& axis : axes.first(alike ? 1 : 2)) (spec.*add)(axis.window.*field);
  };
  each(&layers::Window::stride, &Spec::add_strides);
  each(&layers::Window::dilation, &Spec::add_dilation_rate);
  if (padding != v1::VALID) spec.set_padding(padding);
}

v1::Layer ImageLayer(std::span<const AxisWindows> axes, v1::Padding padding, int64_t filters,
                     int64_t groups) {
  v1::Layer layer;
  v1::Conv2d& spec = *layer.mutable_conv2d();
  spec.set_filters(filters);
  SetWindows(axes, padding, spec);
  if (groups != 1) spec.set_groups(groups);
  return layer;
}

v1::Layer SequenceLayer(const AxisWindows& axis, v1::Padding padding, int64_t filters,
                        int64_t groups) {
  v1::Layer layer;
  v1::Conv1d& spec = *layer.mutable_conv1d();
  spec.set_filters(filters);
  spec.set_kernel_size(axis.window.size);
  if (axis.window.stride != 1) spec.set_strides(axis.window.stride);
  if (axis.window.dilation != 1) spec.set_dilation_rate(axis.window.dilation);
  if (padding != v1::VALID) spec.set_padding(padding);
  if (groups != 1) spec.set_groups(groups);
  return layer;
}

void SetNoBias(v1::Layer& layer) {
  google::protobuf::Message& settings = MutableSettingsOf(layer);
  settings.GetReflection()->SetBool(&settings,
                                    settings.GetDescriptor()->FindFieldByName("use_bias"), false);
}

// Each channel by itself: its filters are an axis of their own.
v1::Layer DepthwiseLayer(std::span<const AxisWindows> axes, v1::Padding padding, int64_t channels,
                         std::vector<GivenWeight>& weights) {
  v1::Layer layer;
  v1::DepthwiseConv2d& spec = *layer.mutable_depthwise_conv2d();
  SetWindows(axes, padding, spec);
  GivenWeight& kernel = weights[0];
  const int64_t multiplier = kernel.shape.back() / channels;
  if (multiplier != 1) spec.set_depth_multiplier(multiplier);
  kernel.name = "depthwise_kernel";
  kernel.shape[2] = channels;
  kernel.shape[3] = multiplier;
  return layer;
}

absl::Status Conv(NodeUse& use) {
  ASSIGN_OR_RETURN(Filters filters, FiltersOf(use));
  ASSIGN_OR_RETURN(std::vector<AxisWindows> axes,
                   WindowsOf(use, filters.extents(), filters.sizes()));
  const bool image = filters.rank == 3;
  const v1::Padding words[] = {v1::VALID, v1::SAME, v1::CAUSAL};
  std::optional<v1::Padding> padding = PaddingOf(axes, std::span(words).first(image ? 2 : 3));
  if (!padding.has_value()) {
    padding = v1::VALID;
    ASSIGN_OR_RETURN(filters.source, Padded(use.network(), filters.source, EdgesOf(axes)));
  }
  const int64_t groups = use.Integer("group", 1);
  const int64_t channels = filters.shape.back();
  std::vector<GivenWeight> weights = WeightsOf(use, filters);
  const int64_t count = weights[0].shape.back();
  const bool depthwise = image && groups > 1 && groups == channels && weights[0].shape[2] == 1 &&
                         count % channels == 0;
  v1::Layer layer = depthwise ? DepthwiseLayer(axes, *padding, channels, weights)
                    : image   ? ImageLayer(axes, *padding, count, groups)
                              : SequenceLayer(axes[0], *padding, count, groups);
  if (filters.bias == nullptr) SetNoBias(layer);
  ASSIGN_OR_RETURN(const int made, use.Add(std::move(layer), {filters.source}, std::move(weights)));
  return use.Give(ChannelsFirst(made, filters.rank + 1));
}

// What is cut off the whole transposed convolution, before and after; below 0: what is added.
absl::Status CutOff(const NodeUse& use, std::vector<AxisWindows>& axes) {
  const std::vector<int64_t> none(axes.size(), 0);
  const std::vector<int64_t> more = use.Integers("output_padding", none);
  const std::vector<int64_t> pads = use.Integers("pads", std::vector<int64_t>(2 * axes.size(), 0));
  const std::vector<int64_t> wanted = use.Integers("output_shape");
  const std::string automatic = use.Text("auto_pad", "NOTSET");
  const bool same = automatic.starts_with("SAME");
  if (more.size() != axes.size() || pads.size() != 2 * axes.size() ||
      (!wanted.empty() && wanted.size() != axes.size()))
    return absl::InvalidArgumentError("its lists are not of one number an axis");
  constexpr int64_t kMost = int64_t{1} << 30;
  for (size_t i = 0; i < axes.size(); ++i) {
    AxisWindows& axis = axes[i];
    const int64_t whole = (axis.extent - 1) * axis.window.stride + axis.reach();
    for (const int64_t number : {more[i], pads[i], pads[i + axes.size()]})
      if (number < 0 || number > kMost) return absl::InvalidArgumentError("its edges are no sizes");
    if (!wanted.empty() && (wanted[i] < 1 || wanted[i] > kMost))
      return absl::InvalidArgumentError("its output_shape is none");
    axis.before = pads[i];
    axis.after = pads[i + axes.size()] - more[i];
    if (same || !wanted.empty()) {
      const int64_t outside =
          whole + more[i] - (wanted.empty() ? axis.extent * axis.window.stride : wanted[i]);
      const int64_t cut = std::max<int64_t>(outside, 0);
      axis.before = automatic == "SAME_UPPER" ? cut / 2 : cut - cut / 2;
      axis.after = outside - axis.before - more[i];
    }
    axis.count = whole - axis.before - axis.after;
  }
  return absl::OkStatus();
}

bool IsSame(std::span<const AxisWindows> axes) {
  return std::ranges::all_of(axes, [](const AxisWindows& axis) {
    if (axis.window.stride > axis.window.size) return false;
    const layers::Span span = layers::TransposedSpanOf(axis.extent, axis.window, v1::SAME);
    return span.before == axis.before && span.count == axis.count;
  });
}

// A sequence is an image of height 1.
absl::Status AsImage(NodeUse& use, Filters& filters, std::vector<AxisWindows>& axes,
                     GivenWeight& kernel) {
  filters.shape.insert(filters.shape.begin(), 1);
  ASSIGN_OR_RETURN(filters.source, Reshaped(use.network(), filters.source, filters.shape));
  axes.insert(axes.begin(), AxisWindows{.extent = 1, .count = 1});
  kernel.shape.insert(kernel.shape.begin(), 1);
  return absl::OkStatus();
}

absl::Status ConvTranspose(NodeUse& use) {
  ASSIGN_OR_RETURN(Filters filters, FiltersOf(use));
  if (use.Integer("group", 1) != 1) return NodeUse::Unknown("groups of a transposed convolution");
  ASSIGN_OR_RETURN(std::vector<AxisWindows> axes,
                   PlainWindowsOf(use, filters.extents(), filters.sizes()));
  RETURN_IF_ERROR(CutOff(use, axes));
  std::vector<GivenWeight> weights = WeightsOf(use, filters);
  const bool sequence = filters.rank == 2;
  if (sequence) RETURN_IF_ERROR(AsImage(use, filters, axes, weights[0]));
  const bool same = IsSame(axes);
  v1::Layer layer;
  v1::Conv2dTranspose& spec = *layer.mutable_conv2d_transpose();
  spec.set_filters(weights[0].shape[2]);
  SetWindows(axes, same ? v1::SAME : v1::VALID, spec);
  if (filters.bias == nullptr) spec.set_use_bias(false);
  ASSIGN_OR_RETURN(int made, use.Add(std::move(layer), {filters.source}, std::move(weights)));
  if (!same) {
    std::array<int64_t, 4> cut = EdgesOf(axes);
    std::array<int64_t, 4> added{};
    for (size_t i = 0; i < cut.size(); ++i) {
      added[i] = std::max<int64_t>(0, -cut[i]);
      cut[i] = std::max<int64_t>(0, cut[i]);
    }
    if (filters.bias != nullptr && std::ranges::count(added, 0) < 4)
      return NodeUse::Unknown("an output that is larger than the windows reach, with a bias");
    ASSIGN_OR_RETURN(made, Cropped(use.network(), made, cut));
    ASSIGN_OR_RETURN(made, Padded(use.network(), made, added));
  }
  if (sequence) {
    const Shape& shape = use.network().shape_of(made);
    ASSIGN_OR_RETURN(made, Reshaped(use.network(), made, {shape[1], shape[2]}));
  }
  return use.Give(ChannelsFirst(made, filters.rank + 1));
}

constexpr AttributeRule kWindows[] = {
    {"auto_pad", AttributeType::kText},           {"dilations", AttributeType::kIntegers},
    {"group", AttributeType::kInteger},           {"kernel_shape", AttributeType::kIntegers},
    {"pads", AttributeType::kIntegers},           {"strides", AttributeType::kIntegers},
    {"output_padding", AttributeType::kIntegers}, {"output_shape", AttributeType::kIntegers}};

constexpr Operator kOperators[] = {
    {"Conv", Conv, 2, 3, std::span(kWindows).first(6), AxisOrder::kChannelsFirst},
    {"ConvTranspose", ConvTranspose, 2, 3, kWindows, AxisOrder::kChannelsFirst},
};

}  // namespace

extern const OperatorFamily convolution_operators_kind;
constinit const OperatorFamily convolution_operators_kind = {kOperators};

}  // namespace gradus::onnx_import
