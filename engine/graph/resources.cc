// SPDX-License-Identifier: Apache-2.0
// How many cores and shards suit a model, and how much memory it needs.
#include "engine/graph/resources.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace gradus::graph {
namespace {

// Multiplications of a step, forward and backward, below which a second core costs more than it
// brings.
constexpr double kStepWorthCores = 5e5;
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

// Forward, weights' gradient and input's gradient take a multiplication a weight and row each.
double StepWork(const Graph& graph, int64_t batch_size) {
  return 3.0 * static_cast<double>(graph.total_params()) * static_cast<double>(batch_size);
}

}  // namespace

Resources ChooseResources(const Graph& graph, int64_t batch_size, int most_cores, int cores,
                          int logical_shards) {
  Resources chosen;
  const bool small = StepWork(graph, batch_size) < kStepWorthCores;
  const int available = cores > 0 ? cores : small ? 1 : most_cores;
  if (logical_shards > 0) {
    chosen.logical_shards = logical_shards;
  } else if (graph.total_params() <= kTeamWeights) {
    chosen.logical_shards = PowerOfTwoWithin(
        std::min<int64_t>(available, std::max<int64_t>(1, batch_size / kLeastShardRows)));
  }
  // Shards are handed out in powers of two; more cores than that would idle.
  const int useful = chosen.logical_shards == 1 && graph.total_params() <= kTeamWeights ? 1
                     : chosen.logical_shards == 1
                         ? available
                         : PowerOfTwoWithin(std::min(available, chosen.logical_shards));
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
  const int cores = std::max(1, std::min(load.resources.cores, load.resources.logical_shards));
  const int shards_a_core = std::max(1, load.resources.logical_shards / cores);
  const double gradients =
      static_cast<double>(cores) * (1 + std::bit_width(static_cast<unsigned>(shards_a_core)));
  // Weights and slots are there once more while a checkpoint is written.
  const double floats = 3 * params + trainable * (gradients + 3.0 * load.slots) +
                        2 * batch * activations + kBatchesAhead * batch * row_values;
  const double bytes = kProcessBytes + 4 * floats + kIndexBytes * static_cast<double>(load.rows);
  constexpr double kMost = 1e18;
  return static_cast<uint64_t>(std::min(bytes, kMost));
}

}  // namespace gradus::graph
