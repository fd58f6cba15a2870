// SPDX-License-Identifier: Apache-2.0
// What a job needs of the machine, by its model's size.
#pragma once

#include <cstdint>

#include "engine/graph/graph.h"

namespace gradus::graph {

struct Resources {
  int cores = 1;
  int logical_shards = 1;
};

// The fastest use of at most `most_cores` cores a worker for batches of `batch_size` rows, which up
// to `workers` workers share. A `cores` or `logical_shards` above 0 is a wish that stays. There is
// a shard for each worker at least; a batch whose rows depend on each other in training (batch
// normalization) is not cut further, but by wish.
//   Returns  the cores of each worker, and the shards of them all, a power of two.
Resources ChooseResources(const Graph& graph, int64_t batch_size, int most_cores, int cores,
                          int logical_shards, int workers = 1);

// What the estimate depends on beside the graph.
struct Load {
  int64_t batch_size = 32;
  // The most weights that train in any stage, and tensors that the optimizer keeps beside each.
  int64_t trainable_params = 0;
  int slots = 0;
  // Values of a row's targets.
  int64_t target_values = 1;
  // Rows of all views together.
  int64_t rows = 0;
  // What views hold of each row in 4 bytes each, beside its index and the first class number.
  int64_t held_values = 0;
  // Floats that metrics keep of each row.
  int64_t kept_values = 0;
  Resources resources;
  // The fewest workers that share a batch, and whether there may be several.
  int workers = 1;
  bool several = false;
};

// Bytes that each rank needs, data mapped from files not counted; saturates.
uint64_t EstimateMemory(const Graph& graph, const Load& load);

}  // namespace gradus::graph
