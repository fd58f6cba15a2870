// SPDX-License-Identifier: Apache-2.0
// The list of kernel calls for one shard of a batch: forward, loss, metrics, backward.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/goals.h"
#include "engine/kernels/kernel.h"
#include "engine/kernels/operation.h"
#include "engine/plan/executable.h"
#include "engine/plan/lowering.h"
#include "engine/plan/parameter_store.h"
#include "engine/training/metrics/metric_set.h"

namespace gradus::plan {

using CompiledOperations = std::vector<std::unique_ptr<kernels::CompiledOperation>>;

// What a shard's plan is made for.
struct ShardRequest {
  const LoweredGraph& graph;
  // One for each of the graph's outputs.
  std::span<const graph::Goal> goals;
  // Of what layers draw.
  uint64_t seed = 0;
  const metrics::MetricSet& metrics;
  const ParameterStore& parameters;
  // One a link, for `rows`.
  const CompiledOperations& operations;
  int shard = 0;
  // Inside each kernel.
  int threads = 1;
  // The number in the batch of the shard's first row.
  int64_t first_row = 0;
  int64_t rows = 0;
  // Of the whole batch: the gradient is that of the sum of their losses over this.
  int64_t batch_rows = 0;
  bool training = true;
};

// A walk over kernels whose operands are all placed.
//   Owns     its kernels; memory is given by Bind and shared with the shard's other plans, which
//            never run at the same time.
//   Threads  one.
class ShardPlan {
 public:
  static absl::StatusOr<std::unique_ptr<ShardPlan>> Compile(const ShardRequest& request);

  // Bytes that Bind must be given, 64-byte aligned.
  size_t bytes() const { return bytes_; }
  void Bind(std::byte* memory);
  // The whole batch whose rows are the next run's, borrowed until that has ended.
  void SetBatch(const Batch& batch, uint64_t run_step);

  // Fills the sum and tallies below and, in training, the shard's gradients.
  absl::Status Run();
  // The same; calls complete(stretch) as soon as all of a stretch's gradients are there.
  absl::Status Run(absl::FunctionRef<void(int stretch)> complete);
  // stretch_of: a number a parameter of the graph.
  void SetStretches(std::span<const int> stretch_of);
  // Of all outputs, and with the terms of penalized values.
  double loss_sum() const;
  std::span<const metrics::Tally> tallies() const { return tallies_; }
  // [rows, values] of one of the model's outputs, after an evaluation and until the next run of any
  // of the shard's plans: what its loss looks at.
  const float* output(size_t number) const { return static_cast<const float*>(*outputs_[number]); }
  int64_t rows() const { return rows_; }

  // A line a kernel.
  std::string Dump() const;

 private:
  friend class ShardCompiler;
  ShardPlan() = default;
  ShardPlan(const ShardPlan&) = delete;

  // What a cell's pointer is: an offset into the bound memory.
  struct Placed {
    void** cell;
    size_t offset;
  };

  // A part of the batch: its cells' pointer is set for each run.
  struct Bound {
    void* pointer = nullptr;
    // Bytes that it has in each row, and all those before it in the batch have.
    int64_t row_bytes = 0;
    int64_t bytes_before = 0;
  };
  // What an output's loss leaves, and what it counts.
  struct WeightedSum {
    const double* sum;
    double weight;
  };

  // A parameter whose gradient is whole before kernel number `kernel` runs.
  struct Whole {
    size_t kernel;
    int parameter;
  };
  // Likewise a stretch.
  struct Mark {
    size_t kernel;
    int stretch;
  };

  static void BindRows(std::deque<Bound>& parts, const void* block, int64_t block_rows,
                       int64_t first_row);

  int64_t rows_ = 0;
  size_t bytes_ = 0;
  std::vector<std::unique_ptr<kernels::Kernel>> kernels_;
  std::deque<void*> cells_;  // they stay where they are
  std::vector<Placed> placed_;
  std::deque<Bound> inputs_;   // one an input of the model; they stay where they are
  std::deque<Bound> targets_;  // one an output
  void* row_weights_ = nullptr;
  std::vector<kernels::Cell> outputs_;  // what the losses look at
  kernels::Draw draw_;
  std::vector<double> penalty_sums_;     // one a penalty of the graph; they stay where they are
  alignas(64) double loss_sum_ = 0;      // a cache line of its own: every core writes its shards'
  std::vector<metrics::Tally> tallies_;  // what no kernel fills says nothing
  std::vector<WeightedSum> loss_sums_;   // one an output
  std::vector<Whole> whole_;             // in the order of the kernels
  std::vector<Mark> marks_;              // likewise
};

}  // namespace gradus::plan
