// SPDX-License-Identifier: Apache-2.0
// A graph compiled for one TrainSetup: operations, parameters, shards' memory, and the step over
// them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/arena.h"
#include "engine/base/team.h"
#include "engine/graph/graph.h"
#include "engine/plan/executable.h"
#include "engine/plan/lowering.h"
#include "engine/plan/parameter_store.h"
#include "engine/plan/shard_plan.h"
#include "engine/plan/stretches.h"
#include "engine/plan/update_parts.h"
#include "engine/plan/weight_constraints.h"
#include "engine/training/metrics/metric_set.h"
#include "engine/training/optimizers/kind.h"
#include "engine/training/optimizers/settings.h"

namespace gradus::plan {

// What Executable promises, for a setup that never changes. Without a loss it only predicts.
//   Owns     parameters, plans and their memory, the team; the graph must outlive it.
//   Threads  as Executable.
class Program {
 public:
  static absl::StatusOr<std::unique_ptr<Program>> Create(const graph::Graph& graph,
                                                         const TrainSetup& setup);

  ParameterStore& parameters() { return *parameters_; }
  const ParameterStore& parameters() const { return *parameters_; }
  const TrainSetup& setup() const { return setup_; }
  const std::vector<bool>& trainable() const { return trainable_; }
  std::span<const losses::Target> targets() const { return targets_; }
  const metrics::MetricSet& metrics() const { return metrics_; }

  absl::Status ImportWeights(std::span<const NamedTensor> tensors);
  void SwapAverages();
  absl::Status Prepare(int64_t rows, bool training) { return FindPlan(rows, training).status(); }
  absl::Status Step(const Batch& batch, bool training, Totals* totals);
  absl::Status EvalShare(const Batch& batch, std::span<std::byte> note);
  size_t NoteBytes(int64_t rows, base::ShardRange share) const;
  void AddNotes(int64_t rows, std::span<const std::span<const std::byte>> notes,
                Totals* totals) const;
  // REQUIRES: there is no loss. As Predictor.
  absl::Status Predict(const float* inputs, int64_t rows, float* outputs);
  void SetLearningRate(double learning_rate);
  double learning_rate() const { return learning_rate_; }
  // Of the step that comes after `step` others, schedule included.
  double RateAt(int64_t step) const;
  void set_total_steps(int64_t steps) { total_steps_ = std::max<int64_t>(steps, 1); }
  int64_t optimizer_steps() const { return optimizer_steps_; }
  void set_optimizer_steps(int64_t steps) { optimizer_steps_ = steps; }
  int64_t run_steps() const { return run_steps_; }
  void set_run_steps(int64_t steps) { run_steps_ = steps; }
  absl::StatusOr<std::string> Dump(int64_t rows, bool training);
  uint64_t memory_bytes() const;

 private:
  // The plans of this process's shards for one number of rows; null for a shard that gets none of
  // them.
  struct StepPlan {
    int64_t rows = 0;
    bool training = false;
    std::vector<int64_t> first_row;
    std::vector<std::unique_ptr<ShardPlan>> shards;
    // With an exchange, in training: of each process.
    std::vector<size_t> note_bytes;
  };

  Program(const graph::Graph& graph, const TrainSetup& setup);
  absl::Status Build();
  // Layouts that the kernels of a full shard like best.
  absl::StatusOr<kernels::Layouts> ChooseLayouts();
  kernels::Setting SettingFor(const Link& link, int64_t rows, bool training) const;
  // With shards their number must not show in the bits: each kernel has one thread.
  int KernelThreads() const { return setup_.logical_shards > 1 ? 1 : setup_.cores; }
  std::vector<Role> Roles() const;
  float SlotStart() const;
  void PlanUpdate();
  absl::StatusOr<const CompiledOperations*> OperationsFor(int64_t rows, bool training);
  absl::StatusOr<StepPlan*> FindPlan(int64_t rows, bool training);
  absl::StatusOr<std::unique_ptr<StepPlan>> CompileStep(int64_t rows, bool training);
  // Memory of a shard's plans, made larger where `bytes` do not fit.
  absl::Status Reserve(size_t shard, size_t bytes);

  // Learning rate and factors of the step to come.
  void PrepareUpdate();
  void BindBatch(StepPlan& plan, const Batch& batch) const;
  absl::Status RunShards(StepPlan& plan, size_t begin, size_t end);
  absl::Status RunAlone(StepPlan& plan);
  absl::Status RunTeam(StepPlan& plan);
  bool AllRan() const;
  // In notes.cc, with an exchange. Gradients are summed up over this process's shards and handed
  // over as they become complete.
  void PlanExchange();
  void BeginExchange();
  void Complete(int stretch);
  absl::Status FinishExchange(const StepPlan& plan);
  void WriteNote(const StepPlan& plan, std::span<std::byte> note) const;
  void AddPenalties(int64_t rows, Totals* totals) const;
  // In update.cc. What has no rank is for floats begin ... end of the arenas.
  // Adds up the shards' gradients in tree order, into the first one's.
  void AddShards(size_t begin, size_t count) const;
  // Unless an exchange has done so.
  void SumShards(size_t begin, size_t count) const {
    if (setup_.exchange == nullptr) AddShards(begin, count);
  }
  // How far gradients are scaled down hangs on their lengths: they must all be added up before.
  bool NeedsLengths() const {
    return common_.clipnorm.has_value() || common_.global_clipnorm.has_value();
  }
  void AddAll(size_t begin, size_t end) const;
  // What is summed and updated together, from float `at` on.
  void SumUp(const UpdatePart& part, size_t at, size_t count) const;
  void UpdateChunk(const UpdatePart& part, size_t at, size_t count) const;
  // Calls use(part, at, count) for chunks of floats begin ... end.
  template <typename Use>
  void ForEachChunk(size_t begin, size_t end, Use use) const;
  // The regularizers' terms of every `ranks`th weight, from number `rank` on.
  void MeasurePenalties(size_t rank, size_t ranks);
  // Moves the weights' averages towards the weights; in averages.cc.
  void Average(size_t begin, size_t end) const;
  // The squared lengths of every `ranks`th weight's gradient, from number `rank` on.
  void MeasureGradients(size_t rank, size_t ranks);
  // REQUIRES: where lengths are needed, all are measured.
  void Update(size_t begin, size_t end) const;
  float FactorOf(double square) const;
  void ScaleGradients(size_t begin, size_t end) const;
  // All of it.
  void UpdateAlone();
  void UpdateInTeam(int rank);
  // Moves statistics towards what the batch says of them, in floats begin ... end of the arenas.
  void Gather(size_t begin, size_t end) const;
  void AddTotals(const StepPlan& plan, Totals* totals) const;

  const graph::Graph& graph_;
  const TrainSetup setup_;
  const std::vector<bool> trainable_;  // one a layer
  const base::ShardRange share_;       // of the logical shards: those that are computed here
  const int shards_;                   // how many these are
  std::vector<graph::Goal> goals_;
  LoweredGraph lowered_;
  std::vector<losses::Target> targets_;
  metrics::MetricSet metrics_;
  const optimizers::OptimizerKind* optimizer_ = nullptr;
  optimizers::Common common_;
  UpdateParts update_;
  std::vector<optimizers::Hyper> hypers_;  // one a factor of update_
  WeightConstraints constraints_;
  int optimizer_slots_ = 0;        // the rule's own; behind them lies the average
  std::vector<double> squares_;    // of each weight's gradient
  std::vector<double> penalties_;  // of each weight
  int64_t optimizer_steps_ = 0;
  double first_rate_ = 0;     // the optimizer's own
  double learning_rate_ = 0;  // what has been set in its place
  int64_t total_steps_ = 1;
  int64_t run_steps_ = 0;
  std::unique_ptr<ParameterStore> parameters_;
  std::map<std::pair<int64_t, bool>, CompiledOperations>
      operations_;  // by rows of a shard, training
  std::map<std::pair<int64_t, bool>, std::unique_ptr<StepPlan>>
      plans_;                               // by rows of a batch, training
  StepPlan* last_[2] = {nullptr, nullptr};  // by training: a step after the first looks nothing up
  std::vector<base::Arena> activations_;    // one a shard
  std::vector<absl::Status> rank_status_;
  std::vector<Stretch> stretches_;         // with an exchange
  std::vector<int> stretch_of_;            // of each parameter
  std::vector<std::atomic<int>> missing_;  // shards whose part of a stretch is not complete
  std::vector<std::byte> notes_;
  mutable std::map<int64_t, std::vector<metrics::Tally>> tallies_of_;  // by rows: room to read into
  std::vector<std::span<const std::byte>> note_of_;                    // of each process, in notes_
  std::unique_ptr<base::Team> team_;  // null where kernels have the cores to themselves
};

}  // namespace gradus::plan
