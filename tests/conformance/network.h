// SPDX-License-Identifier: Apache-2.0
// A whole network with its loss in double precision: the kinds' references put together as the
// graph says.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/plan/executable.h"
#include "engine/plan/tensor_list.h"
#include "gradus/v1/training.pb.h"
#include "tests/conformance/differences.h"
#include "tests/conformance/targets.h"

namespace gradus::conformance {

// A batch and its targets.
struct Rows {
  std::vector<float> inputs;
  Targets targets;
  int64_t rows = 0;

  plan::Batch batch() const { return {inputs.data(), targets.data(), rows}; }
};

Rows DrawRows(const graph::Graph& graph, const v1::Loss& loss, int64_t rows, uint32_t stream);

// Weights that a network may have, in the graph's order.
std::vector<plan::NamedTensor> DrawWeights(const graph::Graph& graph);

// What one step gives, before any update.
struct StepReference {
  // Sums over the rows.
  double loss = 0;
  std::vector<double> metrics;
  // Of the mean loss; one a weight, some coordinates of it.
  std::vector<Gradient> gradients;
};

class Network {
 public:
  // REQUIRES: the loss is checked and fits the graph.
  Network(const graph::Graph& graph, const v1::Loss& loss,
          std::span<const plan::NamedTensor> weights);

  std::vector<double> Output(std::span<const double> row) const;
  StepReference Step(const Rows& rows, std::span<const v1::Metric> metrics);

 private:
  double LossOf(const Rows& rows, int64_t row) const;

  const graph::Graph& graph_;
  const v1::Loss loss_;
  std::vector<std::vector<double>> weights_;
};

}  // namespace gradus::conformance
