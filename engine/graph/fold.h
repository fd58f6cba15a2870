// SPDX-License-Identifier: Apache-2.0
// Normalizations of a trained network taken into the weights beside them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"

namespace gradus::graph {

// Rows that both networks answer at once where they are compared.
inline constexpr int64_t kFoldBatch = 32;

// A layer that could not be folded.
struct Unfolded {
  std::string layer;
  std::string why;
};

struct Folded {
  v1::ModelSpec spec;
  // Of Graph::Create(spec)->parameters(), in their order and published shapes.
  std::vector<std::vector<float>> weights;
  // Names of the layers that are gone.
  std::vector<std::string> folded;
  std::vector<Unfolded> unfolded;
};

// Whether there is a layer of a kind that can be folded; whether it can be where it stands, Fold
// tells.
bool MayFold(const Graph& graph);

// Takes each layer that in an evaluation only scales and shifts channels, as a batch normalization
// does, into the product before it, else, where that is exact, into the one behind it. What the
// network says in an evaluation is the same but for rounding; it is not meant to be trained on.
//   Shapes   weights: of graph.parameters(), in their order.
//   Errors   RESOURCE_EXHAUSTED or INVALID_ARGUMENT where the folded spec makes no graph.
absl::StatusOr<Folded> Fold(const Graph& graph, std::span<const std::vector<float>> weights);

}  // namespace gradus::graph
