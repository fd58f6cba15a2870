// SPDX-License-Identifier: Apache-2.0
// Windows of ONNX's convolutions and pools, and how layers say where they lie.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/onnx_import/node_use.h"
#include "engine/layers/window.h"

namespace gradus::onnx_import {

// Windows along one axis.
struct AxisWindows {
  int64_t extent = 0;
  layers::Window window;
  // Positions before the first and behind the last one.
  int64_t before = 0;
  int64_t after = 0;
  // How many windows there are.
  int64_t count = 0;

  int64_t reach() const { return (window.size - 1) * window.dilation + 1; }
};

// An axis each, of images or sequences of `extents`, with windows of `sizes`; by the node's
// strides, dilations, pads, auto_pad and ceil_mode.
//   Errors   INVALID_ARGUMENT for numbers that are no windows of those.
absl::StatusOr<std::vector<AxisWindows>> WindowsOf(const NodeUse& use, const Shape& extents,
                                                   std::span<const int64_t> sizes);
// Strides, dilations and sizes alone, each from 1 to 16,384.
absl::StatusOr<std::vector<AxisWindows>> PlainWindowsOf(const NodeUse& use, const Shape& extents,
                                                        std::span<const int64_t> sizes);

// The word for where they lie, if there is one among `words`.
std::optional<v1::Padding> PaddingOf(std::span<const AxisWindows> axes,
                                     std::span<const v1::Padding> words);

// `source`, an image or a sequence, with zeros at the edges (top, bottom, left, right), or without
// so much of them; of a sequence top and bottom.
absl::StatusOr<int> Padded(Network& network, int source, const std::array<int64_t, 4>& edges);
absl::StatusOr<int> Cropped(Network& network, int source, const std::array<int64_t, 4>& edges);
// Before and after of each axis, in that order.
std::array<int64_t, 4> EdgesOf(std::span<const AxisWindows> axes);

}  // namespace gradus::onnx_import
