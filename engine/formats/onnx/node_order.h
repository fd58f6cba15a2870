// SPDX-License-Identifier: Apache-2.0
// Nodes in an order in which what one takes is there.
#pragma once

#include "absl/status/status.h"
#include "engine/formats/onnx/model_graph.h"

namespace gradus::onnx {

// Sorts graph.nodes; those that are in order stay as they are. REQUIRES: all else is filled in.
//   Errors  INVALID_ARGUMENT for a value that is made twice, that is used but never made, or that
//           needs itself.
absl::Status SortNodes(ModelGraph& graph);

}  // namespace gradus::onnx
