// SPDX-License-Identifier: Apache-2.0
// Axes: ONNX's beside those that layers have. Layers are added only where an order is wanted that
// is not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/graph/onnx_import/network.h"
#include "engine/graph/onnx_import/node_use.h"
#include "engine/graph/onnx_import/rows.h"

namespace gradus::onnx_import {

// Of ONNX's axis; kBatch for the batch's.
int64_t ExtentOf(const Network& network, const Rows& rows, size_t axis);
Shape ExtentsOf(const Network& network, const Rows& rows, std::span<const size_t> axes);
// Which of ONNX's axes is the batch.
size_t BatchAxisOf(const Rows& rows);
// ONNX's axes but the batch's, in its order; in the order in which the layer has them.
std::vector<size_t> RowAxesOf(const Rows& rows);
std::vector<size_t> OwnOrderOf(const Rows& rows);
// `axis` of 0 to rank - 1, where negative ones count from the end.
absl::StatusOr<size_t> AxisOf(int64_t axis, size_t rank);
absl::StatusOr<std::vector<size_t>> AxesOf(std::span<const int64_t> axes, size_t rank);

// What gives the values in the C order of these axes of ONNX's, all but the batch's; extents of 1
// may be missing or more.
absl::StatusOr<int> Ordered(Network& network, const Rows& rows, std::span<const size_t> axes);
// The same values in C order under another shape.
absl::StatusOr<int> Reshaped(Network& network, int source, const Shape& shape,
                             absl::string_view name = "");
// What has these axes exactly.
absl::StatusOr<int> Arranged(Network& network, const Rows& rows, std::span<const size_t> axes);
// Rows of a source that has these axes of ONNX's, in this order; the other one is the batch.
Rows ViewOf(int source, std::span<const size_t> axes);

// Images (height, width, channels) or sequences (steps, channels) of what has channels behind the
// batch; and back.
absl::StatusOr<int> ChannelsLast(Network& network, const Rows& rows);
Rows ChannelsFirst(int source, size_t rank);

// Several under the axes of the first.
struct Together {
  std::vector<int> sources;
  // For what is made of them.
  std::vector<size_t> axes;
};
// `along`: an axis of ONNX's in which extents may differ; kUnit: none may.
absl::StatusOr<Together> Alike(Network& network, std::span<const Rows> rows, size_t along = kUnit);

// A constant that ONNX spreads over rows, along the layer's axes: each extent is the row's, or 1.
//   Errors  UNIMPLEMENTED where it has another value for each row of the batch, or is larger.
absl::StatusOr<onnx::Constant> Spread(const Network& network, const Rows& rows,
                                      const onnx::Constant& constant);

}  // namespace gradus::onnx_import
