// SPDX-License-Identifier: Apache-2.0
// A trained network made ready to answer: forward alone.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/plan/tensor_list.h"

namespace gradus::plan {

struct PredictSetup {
  // Rows of a full batch.
  int64_t batch_size = 32;
  // As in TrainSetup.
  int logical_shards = 1;
  int cores = 1;
  std::vector<int> cpus;
};

// Gives what the network gives in an evaluation: statistics as they have gathered, no random
// numbers, the last activation done. A row's answer does not depend on the rows beside it.
//   Owns     all memory, the weights' as well, and its team of threads.
//   Threads  one call at a time.
//   Errors   INVALID_ARGUMENT for a setup or weights that do not fit the graph, RESOURCE_EXHAUSTED
//            when memory cannot be had; later only that of the first call with a new number of
//            rows, which compiles.
class Predictor {
 public:
  // `weights`: all of the graph's.
  static absl::StatusOr<std::unique_ptr<Predictor>> Create(const graph::Graph& graph,
                                                           std::span<const NamedTensor> weights,
                                                           const PredictSetup& setup);
  virtual ~Predictor() = default;

  // inputs: [rows, values] of each of the graph's inputs, one input behind the other; outputs:
  // likewise. 1 to batch_size rows.
  virtual absl::Status Predict(const float* inputs, int64_t rows, float* outputs) = 0;
  // Bytes in all arenas.
  virtual uint64_t memory_bytes() const = 0;
};

}  // namespace gradus::plan
