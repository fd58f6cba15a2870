// SPDX-License-Identifier: Apache-2.0
// A recurrent layer and another one that goes backwards, merged: a bidirectional layer written as
// three nodes.
#pragma once

#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "engine/graph/onnx_import/node_use.h"

namespace gradus::onnx_import {

// `merge`: a layer that would make one of `rows`. Nothing where they are no such pair, of which
// nothing else is read.
absl::StatusOr<std::optional<Rows>> BothWays(NodeUse& use, std::span<const Rows> rows,
                                             const v1::Layer& merge);

}  // namespace gradus::onnx_import
