// SPDX-License-Identifier: Apache-2.0
// Windows of ONNX's convolutions and pools.
#include "engine/graph/onnx_import/windows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/onnx_import/arrangement.h"

namespace gradus::onnx_import {
namespace {

constexpr int64_t kMostEdge = 16'384;

absl::Status CheckSize(absl::string_view name, size_t found, size_t wanted) {
  if (found == wanted) return absl::OkStatus();
  return base::InvalidArgument(name, absl::StrCat(found, " numbers"),
                               absl::StrCat("a list of ", wanted));
}

// Where SAME puts what lies outside.
absl::Status PutAround(AxisWindows& axis, bool more_before) {
  axis.count = (axis.extent + axis.window.stride - 1) / axis.window.stride;
  const int64_t outside =
      std::max<int64_t>(0, (axis.count - 1) * axis.window.stride + axis.reach() - axis.extent);
  axis.before = more_before ? outside - outside / 2 : outside / 2;
  axis.after = outside - axis.before;
  return absl::OkStatus();
}

absl::Status PutAt(AxisWindows& axis, int64_t before, int64_t after, bool round_up) {
  for (const int64_t edge : {before, after})
    if (edge < 0 || edge > kMostEdge)
      return base::InvalidArgument("pads", absl::StrCat(edge),
                                   absl::StrCat("a number from 0 to ", kMostEdge));
  axis.before = before;
  axis.after = after;
  const int64_t room = axis.extent + before + after - axis.reach();
  if (room < 0) return absl::InvalidArgumentError("its windows are larger than what it takes");
  axis.count = room / axis.window.stride + 1;
  // One more, if it begins within the input or what lies before it.
  if (round_up && room % axis.window.stride != 0 &&
      axis.count * axis.window.stride < axis.extent + before)
    ++axis.count;
  return absl::OkStatus();
}

absl::StatusOr<int> Bordered(Network& network, int source, const std::array<int64_t, 4>& edges,
                             bool crop) {
  if (std::ranges::count(edges, 0) == 4) return source;
  Shape shape = network.shape_of(source);
  const bool sequence = shape.size() == 2;
  // An image of width 1.
  if (sequence) shape.insert(shape.begin() + 1, 1);
  ASSIGN_OR_RETURN(const int image, Reshaped(network, source, shape));
  v1::Layer layer;
  if (crop) {
    layer.mutable_cropping2d()->mutable_cropping()->Assign(edges.begin(), edges.end());
  } else {
    layer.mutable_zero_padding2d()->mutable_padding()->Assign(edges.begin(), edges.end());
  }
  ASSIGN_OR_RETURN(const int made, network.Add(std::move(layer), {image}));
  if (!sequence) return made;
  const Shape& larger = network.shape_of(made);
  return Reshaped(network, made, {larger[0], larger[2]});
}

}  // namespace

absl::StatusOr<std::vector<AxisWindows>> PlainWindowsOf(const NodeUse& use, const Shape& extents,
                                                        std::span<const int64_t> sizes) {
  const std::vector<int64_t> ones(extents.size(), 1);
  const std::vector<int64_t> strides = use.Integers("strides", ones);
  const std::vector<int64_t> dilations = use.Integers("dilations", ones);
  RETURN_IF_ERROR(CheckSize("kernel_shape", sizes.size(), extents.size()));
  RETURN_IF_ERROR(CheckSize("strides", strides.size(), extents.size()));
  RETURN_IF_ERROR(CheckSize("dilations", dilations.size(), extents.size()));
  std::vector<AxisWindows> axes;
  for (size_t i = 0; i < extents.size(); ++i) {
    axes.push_back({.extent = extents[i], .window = {sizes[i], strides[i], dilations[i]}});
    RETURN_IF_ERROR(layers::CheckExtent("kernel_shape", sizes[i]));
    RETURN_IF_ERROR(layers::CheckExtent("strides", strides[i]));
    RETURN_IF_ERROR(layers::CheckExtent("dilations", dilations[i]));
  }
  return axes;
}

absl::StatusOr<std::vector<AxisWindows>> WindowsOf(const NodeUse& use, const Shape& extents,
                                                   std::span<const int64_t> sizes) {
  ASSIGN_OR_RETURN(std::vector<AxisWindows> axes, PlainWindowsOf(use, extents, sizes));
  const std::string automatic = use.Text("auto_pad", "NOTSET");
  if (automatic != "NOTSET" && automatic != "VALID" && automatic != "SAME_UPPER" &&
      automatic != "SAME_LOWER")
    return base::InvalidArgument("auto_pad", "another word", "one of ONNX's");
  std::vector<int64_t> pads(2 * axes.size(), 0);
  if (automatic == "NOTSET") pads = use.Integers("pads", pads);
  RETURN_IF_ERROR(CheckSize("pads", pads.size(), 2 * axes.size()));
  for (size_t i = 0; i < axes.size(); ++i) {
    RETURN_IF_ERROR(automatic.starts_with("SAME") ? PutAround(axes[i], automatic == "SAME_LOWER")
                                                  : PutAt(axes[i], pads[i], pads[i + axes.size()],
                                                          use.Integer("ceil_mode", 0) != 0));
  }
  return axes;
}

std::optional<v1::Padding> PaddingOf(std::span<const AxisWindows> axes,
                                     std::span<const v1::Padding> words) {
  for (const v1::Padding word : words) {
    const bool fits = std::ranges::all_of(axes, [&](const AxisWindows& axis) {
      const absl::StatusOr<layers::Span> span = layers::SpanOf(axis.extent, axis.window, word);
      return span.ok() && span->before == axis.before && span->count == axis.count;
    });
    if (fits) return word;
  }
  return std::nullopt;
}

absl::StatusOr<int> Padded(Network& network, int source, const std::array<int64_t, 4>& edges) {
  return Bordered(network, source, edges, false);
}

absl::StatusOr<int> Cropped(Network& network, int source, const std::array<int64_t, 4>& edges) {
  return Bordered(network, source, edges, true);
}

std::array<int64_t, 4> EdgesOf(std::span<const AxisWindows> axes) {
  std::array<int64_t, 4> edges{};
  for (size_t i = 0; i < axes.size(); ++i) {
    edges[2 * i] = axes[i].before;
    edges[2 * i + 1] = axes[i].after;
  }
  return edges;
}

}  // namespace gradus::onnx_import
