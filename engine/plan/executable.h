// SPDX-License-Identifier: Apache-2.0
// A network made ready to train: all kernels made, all memory placed, for one loss, optimizer and
// batch size.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/shards.h"
#include "engine/graph/graph.h"
#include "engine/plan/step_exchange.h"
#include "engine/plan/tensor_list.h"
#include "engine/training/losses/target.h"
#include "engine/training/metrics/metric_set.h"
#include "gradus/v1/job.pb.h"

namespace gradus::plan {

// How a graph is to be trained.
struct TrainSetup {
  v1::Loss loss;
  v1::Optimizer optimizer;
  std::vector<v1::Metric> metrics;
  // Where not empty, an entry for each of the graph's outputs, in the place of loss and metrics.
  std::vector<v1::OutputTraining> outputs;
  // Rows of a full batch.
  int64_t batch_size = 32;
  // A power of two. 1: the cores work inside each kernel. More: each core runs whole shards of the
  // batch; the bits depend on this number alone, not on `cores`.
  int logical_shards = 1;
  // Where other processes compute some of the shards, the way to them: this one computes its share
  // alone. Null: all. It must outlive the setup.
  StepExchange* exchange = nullptr;
  // At least 1.
  int cores = 1;
  // Where not empty, one processor for each core; the calling thread is the first of them.
  std::vector<int> cpus;
  // A bool a layer; empty: as the graph says.
  std::vector<bool> trainable;
  // What each layer multiplies the learning rate by; empty: as the graph says.
  std::vector<double> rate_factors;
  // What layers that draw random numbers draw them from.
  uint64_t seed = 0;
};

// Rows for one step; borrowed for the length of the call. Rows lie one after another without gaps,
// so a full batch's shards are parts of one block.
struct Batch {
  // [held, values] of each of the graph's inputs, one input behind the other.
  const float* inputs = nullptr;
  // int32_t [held] or float [held, width] of each output, as targets() says, one behind the other.
  const void* targets = nullptr;
  // Of the whole batch.
  int64_t rows = 0;
  // [held]: what each row counts in the losses; null: 1.
  const float* weights = nullptr;
  // Which rows of the batch are held here, those of this process's shards at least; all where
  // `held` is 0.
  int64_t first_held = 0;
  int64_t held = 0;

  int64_t held_rows() const { return held == 0 ? rows : held; }
};

// What many steps have gathered over their rows, added up in double, in a fixed order.
struct Totals {
  int64_t rows = 0;
  // To be divided by `rows`.
  double loss = 0;
  // As Executable::metrics(); empty before the first step.
  std::vector<metrics::Tally> metrics;
};

// The compiled network with its weights, gradients and optimizer slots.
//   Shapes   tensors go in and out in their published shapes; inside they lie as the kernels like
//            them.
//   Owns     all memory and its team of threads.
//   Threads  one call at a time. The steps run on the calling thread and the team.
//   Errors   INVALID_ARGUMENT for a setup that does not fit the graph, RESOURCE_EXHAUSTED when
//            memory cannot be had; a step's only error is that of the first step with a new number
//            of rows, which compiles.
class Executable {
 public:
  // Weights and slots start as zeros.
  static absl::StatusOr<std::unique_ptr<Executable>> Create(const graph::Graph& graph,
                                                            const TrainSetup& setup);
  virtual ~Executable() = default;

  // Compiles anew for another setup. Weights stay. Slots stay for layers that train before and
  // after if `keep_slots`, and so does the count of steps; else all start as zeros. On error
  // nothing has changed.
  virtual absl::Status Reconfigure(const TrainSetup& setup, bool keep_slots) = 0;

  // Draws all weights by their initializers; depends on the seed and each weight's place in the
  // model only.
  virtual void InitializeWeights(uint64_t seed) = 0;

  // Makes the kernels for batches of this many rows (1 to batch_size) ahead of the first step with
  // them; a step allocates nothing after that.
  virtual absl::Status Prepare(int64_t rows, bool training) = 0;
  // Totals of no rows, with room for so many: steps that add no more to them allocate nothing.
  virtual Totals StartTotals(int64_t rows) const = 0;
  // One step: forward, backward, update; adds what this batch gave before the update to `totals`,
  // which are new or this network's.
  virtual absl::Status TrainStep(const Batch& batch, Totals* totals) = 0;
  // Forward only, with statistics as they have gathered and without random numbers; adds this
  // batch's sums to `totals`. Sums of a row do not depend on the rows beside it. REQUIRES: all
  // shards are computed here.
  virtual absl::Status EvalStep(const Batch& batch, Totals* totals) = 0;
  // The same for this process's shards alone: what they give is written to `note`, of
  // NoteBytes(batch.rows, share) bytes, for AddNotes.
  virtual absl::Status EvalShare(const Batch& batch, std::span<std::byte> note) = 0;
  // What a process tells the others of a batch of `rows` rows, where it computes `share`.
  virtual size_t NoteBytes(int64_t rows, base::ShardRange share) const = 0;
  // Adds to `totals` what all processes noted of a batch that was evaluated, in the order of their
  // shares.
  virtual void AddNotes(int64_t rows, std::span<const std::span<const std::byte>> notes,
                        Totals* totals) const = 0;

  // Takes the place of the optimizer's; what a schedule makes of that changes in proportion.
  virtual void SetLearningRate(double learning_rate) = 0;
  virtual double learning_rate() const = 0;
  // What the last step was done with, schedule included; before the first one what that will be.
  virtual double step_learning_rate() const = 0;
  // All steps that the optimizer will do, for schedules without a length of their own. 1 in a new
  // setup.
  virtual void SetTotalSteps(int64_t steps) = 0;

  // What a batch's targets must be, one an output.
  virtual std::span<const losses::Target> targets() const = 0;
  // Those of Totals::metrics; valid until the next Reconfigure.
  virtual const metrics::MetricSet& metrics() const = 0;
  virtual const graph::Graph& graph() const = 0;
  virtual int64_t trainable_params() const = 0;

  // All weights, in the graph's order.
  virtual std::vector<NamedTensor> ExportWeights() const = 0;
  // Replaces the weights of these names, and their moving averages where the optimizer keeps some;
  // others stay. INVALID_ARGUMENT for an unknown name or
  // another shape, and then nothing has changed.
  virtual absl::Status ImportWeights(std::span<const NamedTensor> tensors) = 0;
  // Exchanges the trained weights and their moving averages; nothing where there are none yet.
  // Whoever does so does it once more before the next training step.
  virtual void SwapAverages() = 0;
  // The optimizer's slots of the trainable weights, "SLOT/LAYER/kernel", in their weights' shapes:
  // with the weights, optimizer_steps() and run_steps() all that a step depends on.
  virtual std::vector<NamedTensor> ExportSlots() const = 0;
  // Exactly the tensors that ExportSlots gives, in any order.
  virtual absl::Status ImportSlots(std::span<const NamedTensor> tensors) = 0;
  // Steps since the slots were zeros; some rules divide by what has gathered in them so far.
  virtual int64_t optimizer_steps() const = 0;
  virtual void SetOptimizerSteps(int64_t steps) = 0;
  // Training steps done in the run; the next step's random numbers follow from the seed and this.
  virtual int64_t run_steps() const = 0;
  virtual void SetRunSteps(int64_t steps) = 0;
  // Name of the first weight that holds a NaN or an infinity; empty: there is none.
  virtual std::string FirstNonFiniteWeight() const = 0;
  // Of the bits of all weights; equal in processes whose weights are.
  virtual uint64_t WeightsChecksum() const = 0;

  // The plan for a number of rows as text: a line a kernel call, with the candidates that were
  // refused and why.
  virtual absl::StatusOr<std::string> Dump(int64_t rows, bool training) = 0;
  // Bytes in all arenas.
  virtual uint64_t memory_bytes() const = 0;
};

// What the bits of a run depend on beside its spec: instruction set, threads, oneDNN's version. For
// checkpoints.
struct Fingerprint {
  std::string isa;
  std::string onednn;
};
Fingerprint EngineFingerprint();

}  // namespace gradus::plan
