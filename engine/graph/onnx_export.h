// SPDX-License-Identifier: Apache-2.0
// A trained network as an ONNX model.
#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/graph/graph.h"

namespace gradus::graph {

// The values of a weight, in C order.
using WeightSource = absl::FunctionRef<absl::StatusOr<std::vector<float>>(const Parameter& weight)>;

// The bytes of a ModelProto in f32 that gives what the network gives in an evaluation, the last
// activation done. Its inputs are called as the model's, its outputs as the layers that they are
// of; the batch is a first axis N. All weights are in it, under their published names, in the order
// of axes that ONNX has for them.
//   Shapes  as the model's: images have their channels last.
//   Errors  UNIMPLEMENTED names the layer and what ONNX has no words for, FAILED_PRECONDITION for a
//           model larger than an ONNX file may be, INVALID_ARGUMENT for a weight with another
//           number of values; those of `weights` as they are.
absl::StatusOr<std::string> ExportOnnx(const Graph& graph, absl::string_view name,
                                       WeightSource weights);

}  // namespace gradus::graph
