// SPDX-License-Identifier: Apache-2.0
// What nodes say of shapes, and the same values of constants under other ones.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/onnx_import/node_use.h"

namespace gradus::onnx_import {

// Of extents, but for the batch's.
//   Errors  INVALID_ARGUMENT where it does not fit.
absl::StatusOr<int64_t> ProductOf(std::span<const int64_t> extents);
// Puts those of `found` in the places of the zeros of a Reshape's target, and checks the others.
absl::Status CopyExtents(const NodeUse& use, std::span<const int64_t> found, Shape& target);
// Puts what is left of `values` into the open place.
absl::Status CloseShape(int64_t values, Shape& target);
// A node's axes: an input since version 13.
absl::StatusOr<std::vector<int64_t>> NamedAxesOf(const NodeUse& use);
// The order that a Transpose says.
absl::StatusOr<std::vector<size_t>> OrderOf(const NodeUse& use, size_t rank);

// Operators on constants.
absl::Status FoldedReshape(NodeUse& use);
absl::Status FoldedSqueeze(NodeUse& use);
absl::Status FoldedUnsqueeze(NodeUse& use);
absl::Status FoldedTranspose(NodeUse& use);
absl::Status FoldedConcat(NodeUse& use);

}  // namespace gradus::onnx_import
