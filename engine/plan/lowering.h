// SPDX-License-Identifier: Apache-2.0
// A graph as a list of kernels' operations: activations absorbed, views gone, the last activation
// left to the loss where that is stabler.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/kernels/operation.h"
#include "engine/training/regularizers/kind.h"
#include "gradus/v1/training.pb.h"

namespace gradus::plan {

// Number of the value that is the model's input.
inline constexpr int kInputValue = 0;

// One operation with what it reads and writes.
struct Link {
  std::unique_ptr<const kernels::Operation> operation;
  // Indices into Graph::parameters(), in the operation's order.
  std::vector<int> parameters;
  // Numbers of values, the same one twice where the graph says so; a link comes after those that it
  // reads from.
  std::vector<int> srcs;
  int dst = kInputValue;
  // Index into Graph::nodes() of the layer whose weights and settings it has.
  int layer = 0;
  // Of its random numbers; see kernels::Operands.
  uint32_t stream = 0;
};

// A term of the loss, of a value.
struct ValuePenalty {
  int value = kInputValue;
  regularizers::Coefficients coefficients;
};

// What is to be computed, for any number of rows.
struct LoweredGraph {
  std::vector<Link> links;
  // Floats in a row of each value; value 0 is the input.
  std::vector<int64_t> value_floats;
  std::vector<ValuePenalty> penalties;
  // The value that the loss looks at; without one, the model's output.
  int output = kInputValue;
  // It is what the last activation would be given, or logits by the loss's own word.
  bool logits = false;
};

// REQUIRES: the loss is checked, and fits the graph's output; or it has no kind, and the last
// activation stays.
absl::StatusOr<LoweredGraph> LowerGraph(const graph::Graph& graph, const v1::Loss& loss);

}  // namespace gradus::plan
