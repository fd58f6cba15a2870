// SPDX-License-Identifier: Apache-2.0
// Parts of rows, and rows with more around them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/onnx_import/node_use.h"

namespace gradus::onnx_import {

// Along one of ONNX's axes.
struct AxisEdges {
  size_t axis = 0;
  int64_t before = 0;
  int64_t after = 0;
};

// Rows without so much at the edges, or with so many zeros there.
absl::StatusOr<Rows> WithoutEdges(NodeUse& use, const Rows& rows, std::span<const AxisEdges> edges);
absl::StatusOr<Rows> WithEdges(NodeUse& use, const Rows& rows, std::span<const AxisEdges> edges);

// Rows of a recurrent layer of whose steps the one at `index` alone is read: where it is the last
// that is computed, the layer gives no other any more. Nothing where it is not.
absl::StatusOr<std::optional<Rows>> OnlyLastStep(NodeUse& use, const Rows& rows, size_t axis,
                                                 int64_t index);

// Gather with indices that are constants: of rows one index, or some that follow each other; of
// constants any.
absl::Status Pick(NodeUse& use);
absl::Status FoldedPick(NodeUse& use);

}  // namespace gradus::onnx_import
