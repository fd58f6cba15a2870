// SPDX-License-Identifier: Apache-2.0
// A graph as a list of kernels' operations: activations absorbed, views gone, an output's last
// activation left to its loss where that is stabler.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/graph/goals.h"
#include "engine/graph/graph.h"
#include "engine/kernels/operation.h"
#include "engine/training/regularizers/kind.h"

namespace gradus::plan {

// One operation with what it reads and writes.
struct Link {
  std::unique_ptr<const kernels::Operation> operation;
  // Indices into Graph::parameters(), in the operation's order.
  std::vector<int> parameters;
  // Numbers of values, the same one twice where the graph says so; a link comes after those that it
  // reads from.
  std::vector<int> srcs;
  int dst = 0;
  // Index into Graph::nodes() of the layer whose weights and settings it has.
  int layer = 0;
  // Of its random numbers; see kernels::Operands.
  uint32_t stream = 0;
};

// A term of the loss, of a value.
struct ValuePenalty {
  int value = 0;
  regularizers::Coefficients coefficients;
};

// What one of the model's losses looks at.
struct LoweredOutput {
  int value = 0;
  // It is what the last activation would be given, or logits by the loss's own word.
  bool logits = false;
};

// What is to be computed, for any number of rows.
struct LoweredGraph {
  std::vector<Link> links;
  // Floats in a row of each value; the first `inputs` are the model's.
  std::vector<int64_t> value_floats;
  size_t inputs = 0;
  std::vector<ValuePenalty> penalties;
  // In the order of the graph's; without losses what the model gives.
  std::vector<LoweredOutput> outputs;
};

// REQUIRES: one goal for each of the graph's outputs, or none where nothing is trained for.
LoweredGraph LowerGraph(const graph::Graph& graph, std::span<const graph::Goal> goals);

}  // namespace gradus::plan
