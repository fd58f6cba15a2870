// SPDX-License-Identifier: Apache-2.0
// A whole network with its loss in double precision: the kinds' references put together as the
// graph says.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/plan/executable.h"
#include "engine/plan/tensor_list.h"
#include "gradus/v1/losses.pb.h"
#include "gradus/v1/metrics.pb.h"
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

// `whole_below`: as in layers::Sample.
Rows DrawRows(const graph::Graph& graph, const v1::Loss& loss, int64_t rows, uint32_t stream,
              int64_t whole_below = 0);

// Weights that a network may have, in the graph's order.
std::vector<plan::NamedTensor> DrawWeights(const graph::Graph& graph);

// What one step gives, before any update.
struct StepReference {
  // Sum over the rows.
  double loss = 0;
  // Of each metric; nothing where rounding decides, as between outputs that are all but alike.
  std::vector<std::vector<std::optional<double>>> figures;
  // Of the mean loss; one a weight, some coordinates of it; none for a statistic.
  std::vector<Gradient> gradients;
  // What the batch says of each statistic, none for other weights.
  std::vector<std::vector<double>> statistics;
};

// How a step is taken.
struct StepMode {
  // Else it is an evaluation.
  bool training = true;
  int shards = 1;
  // A bool a layer; empty: all train.
  std::vector<bool> trains = {};
};

class Network {
 public:
  // REQUIRES: the loss is checked and fits the graph.
  Network(const graph::Graph& graph, const v1::Loss& loss,
          std::span<const plan::NamedTensor> weights);

  // [rows, output], in an evaluation.
  std::vector<double> Outputs(const Rows& rows) const;
  StepReference Step(const Rows& rows, std::span<const v1::Metric> metrics, const StepMode& mode);

 private:
  // Of a shard, [rows, output]. Adds what it says of the statistics, times its share.
  std::vector<double> ShardOutputs(std::span<const double> inputs, int64_t rows, double share,
                                   const StepMode& mode,
                                   std::vector<std::vector<double>>* statistics) const;
  std::vector<double> OutputsOf(const Rows& rows, const StepMode& mode,
                                std::vector<std::vector<double>>* statistics) const;
  std::vector<double> NodeOutputs(const graph::Node& node, int64_t rows,
                                  std::span<const std::vector<double>> inputs, double share,
                                  const StepMode& mode,
                                  std::vector<std::vector<double>>* statistics) const;
  double LossOf(const Rows& rows, const StepMode& mode) const;
  std::vector<std::optional<double>> FiguresOf(const Rows& rows, const v1::Metric& metric,
                                               std::span<const double> outputs) const;

  const graph::Graph& graph_;
  const v1::Loss loss_;
  std::vector<std::vector<double>> weights_;
};

}  // namespace gradus::conformance
