// SPDX-License-Identifier: Apache-2.0
// Each kind's samples as whole models, with weights and rows, to be written as ONNX.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/layers/kind.h"
#include "engine/plan/tensor_list.h"

namespace gradus::conformance {

inline constexpr int64_t kOnnxRows = 5;

struct OnnxCase {
  std::string name;
  graph::Graph graph;
  std::vector<plan::NamedTensor> weights;
  // kOnnxRows of each input.
  std::vector<std::vector<float>> inputs;
};

// One for each sample, a layer each; its inputs are called in0, in1, ...
std::vector<OnnxCase> OnnxCasesOf(const layers::LayerKind& kind);

// The bytes of a ModelProto.
absl::StatusOr<std::string> Exported(const OnnxCase& made);

// What a plan makes of the rows; `inputs` as those of a case.
absl::StatusOr<std::vector<float>> Predicted(const graph::Graph& graph,
                                             std::span<const plan::NamedTensor> weights,
                                             std::span<const std::vector<float>> inputs);

}  // namespace gradus::conformance
