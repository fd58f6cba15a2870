// SPDX-License-Identifier: Apache-2.0
// How many cores and shards suit a model, and how much memory it needs.
#include "engine/graph/resources.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "engine/layers/kind.h"

namespace gradus::graph {
namespace {

// Multiplications of a step, forward and backward, below which a second core costs more than it
// brings.
constexpr double kStepWorthCores = 5e5;
// The same for a team that has to meet in every kernel.
constexpr double kStepWorthTeam = 5e7;
// Rows of a shard below which loading the weights costs more than using them.
constexpr int64_t kLeastShardRows = 8;
// Weights above which adding up a whole gradient for each core costs more than a team inside each
// kernel.
constexpr int64_t kTeamWeights = int64_t{1} << 22;

// A process with its libraries, threads and buffers, before any model.
constexpr double kProcessBytes = 96.0 * 1024 * 1024;
// Batches that are read ahead.
constexpr double kBatchesAhead = 16;
constexpr double kIndexBytes = 16;

int PowerOfTwoWithin(int64_t value) {
  return static_cast<int>(
      std::bit_floor(static_cast<uint64_t>(std::clamp<int64_t>(value, 1, 256))));
}

// Rows that a batch norm normalizes over are a setting of the user's, the batch size: they must not
// be cut.
bool RowsDependOnEachOther(const Graph& graph) {
  return std::ranges::any_of(graph.nodes(), [](const Node& node) {
    return node.kind->batch_reference != nullptr && node.trainable;
  });
}

// Forward, weights' gradient and input's gradient take a multiplication a weight and row each, at
// every position that a layer's weights are used at.
double StepWork(const Graph& graph, int64_t batch_size) {
  double products = 0;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    double params = 0;
    for (const Parameter& parameter : graph.parameters_of(static_cast<int>(i)))
      params += static_cast<double>(parameter.count);
    double positions = 1;
    for (size_t axis = 0; axis + 1 < node.output_shape.size(); ++axis)
      positions *= static_cast<double>(node.output_shape[axis]);
    products += params * positions;
  }
  return 3.0 * products * static_cast<double>(batch_size);
}

// The shards of a worker when `workers` of them share all, where one has more than others.
int ShardsOfOne(int logical_shards, int workers) {
  return std::max(1, logical_shards / PowerOfTwoWithin(workers));
}

}  // namespace

Resources ChooseResources(const Graph& graph, int64_t batch_size, int most_cores, int cores,
                          int logical_shards, int workers) {
  Resources chosen;
  const double work = StepWork(graph, batch_size);
  const int available = cores > 0 ? cores : work < kStepWorthCores ? 1 : most_cores;
  const bool coupled = RowsDependOnEachOther(graph);
  // With one shard a team works inside each kernel, which must then be worth waking it.
  const bool team = graph.total_params() > kTeamWeights || (coupled && work > kStepWorthTeam);
  if (logical_shards > 0) {
    chosen.logical_shards = logical_shards;
  } else {
    chosen.logical_shards = static_cast<int>(std::bit_ceil(static_cast<unsigned>(workers)));
    if (!coupled && graph.total_params() <= kTeamWeights) {
      const int64_t all = int64_t{available} * workers;
      const int64_t fed = std::max<int64_t>(1, batch_size / kLeastShardRows);
      chosen.logical_shards = std::max(chosen.logical_shards, PowerOfTwoWithin(std::min(all, fed)));
    }
  }
  const int shards = ShardsOfOne(chosen.logical_shards, workers);
  // Where a batch is cut, each shard has a core.
  const int useful = chosen.logical_shards > 1 ? PowerOfTwoWithin(std::min(available, shards))
                     : team                    ? available
                                               : 1;
  chosen.cores = cores > 0 ? cores : useful;
  return chosen;
}

uint64_t EstimateMemory(const Graph& graph, const Load& load) {
  const auto batch = static_cast<double>(load.batch_size);
  double row_values =
      static_cast<double>(graph.input_values()) + static_cast<double>(load.target_values);
  double activations = 0;
  for (const Node& node : graph.nodes())
    activations += static_cast<double>(CountOf(node.output_shape));
  const auto params = static_cast<double>(graph.total_params());
  const auto trainable = static_cast<double>(load.trainable_params);
  const int shards = ShardsOfOne(load.resources.logical_shards, load.workers);
  // A whole arena for each shard; once more what a plan has, where ranks that come and go change
  // its shards.
  const double gradients = shards * (load.several ? 2.0 : 1.0);
  // What comes from other ranks lies beside what is here.
  const double exchanged = load.several ? 2 : 0;
  const double own_batch = std::ceil(batch / PowerOfTwoWithin(load.workers));
  // Weights and slots are there once more while a checkpoint is written.
  const double floats = 3 * params + trainable * (gradients + exchanged + 3.0 * load.slots) +
                        2 * own_batch * activations + kBatchesAhead * batch * row_values;
  // What is kept is there once more while it is put in order or saved.
  const double row_bytes = kIndexBytes + 4 * static_cast<double>(load.held_values) +
                           2 * 4 * static_cast<double>(load.kept_values);
  const double bytes = kProcessBytes + 4 * floats + row_bytes * static_cast<double>(load.rows);
  constexpr double kMost = 1e18;
  return static_cast<uint64_t>(std::min(bytes, kMost));
}

}  // namespace gradus::graph
