// SPDX-License-Identifier: Apache-2.0
// The values of an ONNX graph, as they are while it is imported.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <variant>
#include <vector>

#include "engine/formats/onnx/constant.h"

namespace gradus::onnx_import {

// An axis of ONNX's that the layer has not; its only index is 0.
inline constexpr size_t kUnit = std::numeric_limits<size_t>::max();
// Among whole numbers: the extent of the batch, which is not known.
inline constexpr int64_t kBatch = std::numeric_limits<int64_t>::min();
// Axes of one value.
inline constexpr size_t kMostRank = 16;

// What a layer, or an input, gives for a batch, under the axes that ONNX has for it. A transpose,
// or an axis of extent 1 more or less, is another view of the same layer.
struct Rows {
  // Index of the layer; of an input as in graph::Graph.
  int source = 0;
  // Axis i of ONNX's is axis axes[i] of what the layer gives: 0 the batch, 1 the first of a row.
  // Axes of the layer that are not there have an extent of 1.
  std::vector<size_t> axes;
  // Nothing else reads the layer.
  bool alone = true;
  // Whole numbers to ONNX, so that its operators may count on it.
  bool whole = false;
  // The axis of the layer that ONNX has the other way round; 0 where there is none.
  size_t flipped = 0;
};

// One number everywhere, under any shape.
struct Filled {
  float value = 0;
};

// Constants are owned by the import.
using Value = std::variant<Rows, const onnx::Constant*, Filled>;

}  // namespace gradus::onnx_import
