// SPDX-License-Identifier: Apache-2.0
// A graph compiled for one TrainSetup: operations, parameters, shards' memory, and the step over
// them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
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
#include "engine/training/metrics/metric_set.h"
#include "engine/training/optimizers/kind.h"
#include "engine/training/optimizers/settings.h"

namespace gradus::plan {

// What metrics look at; INVALID_ARGUMENT where the loss does not fit the graph's output.
absl::StatusOr<metrics::Scored> ScoredBy(const v1::Loss& loss, const graph::Graph& graph);

// What Executable promises, for a setup that never changes.
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
  const losses::Target& target() const { return target_; }
  const metrics::MetricSet& metrics() const { return metrics_; }

  absl::Status Prepare(int64_t rows, bool training) { return FindPlan(rows, training).status(); }
  absl::Status Step(const Batch& batch, bool training, Totals* totals);
  void SetLearningRate(double learning_rate);
  double learning_rate() const { return learning_rate_; }
  int64_t optimizer_steps() const { return hyper_.step; }
  void set_optimizer_steps(int64_t steps) { hyper_.step = steps; }
  int64_t run_steps() const { return run_steps_; }
  void set_run_steps(int64_t steps) { run_steps_ = steps; }
  absl::StatusOr<std::string> Dump(int64_t rows, bool training);
  uint64_t memory_bytes() const;

 private:
  // The shards' plans for one number of rows; null for a shard that gets none of them.
  struct StepPlan {
    int64_t rows = 0;
    bool training = false;
    std::vector<int64_t> first_row;
    std::vector<std::unique_ptr<ShardPlan>> shards;
  };

  Program(const graph::Graph& graph, const TrainSetup& setup);
  absl::Status Build();
  // Layouts that the kernels of a full shard like best.
  absl::StatusOr<kernels::Layouts> ChooseLayouts();
  kernels::Setting SettingFor(const Link& link, int64_t rows, bool training) const;
  std::vector<Role> Roles() const;
  float SlotStart() const;
  absl::StatusOr<const CompiledOperations*> OperationsFor(int64_t rows, bool training);
  absl::StatusOr<StepPlan*> FindPlan(int64_t rows, bool training);
  absl::StatusOr<std::unique_ptr<StepPlan>> CompileStep(int64_t rows, bool training);
  // Memory of a shard's plans, made larger where `bytes` do not fit.
  absl::Status Reserve(size_t shard, size_t bytes);

  void BindBatch(StepPlan& plan, const Batch& batch) const;
  absl::Status RunShards(StepPlan& plan, size_t begin, size_t end);
  absl::Status RunAlone(StepPlan& plan);
  absl::Status RunTeam(StepPlan& plan);
  // In update.cc. All but MeasureGradients are for floats begin ... end of the arenas.
  // Adds up the shards' gradients in tree order, into the first one's.
  void AddShards(size_t begin, size_t count) const;
  // How far gradients are scaled down hangs on their lengths: they must all be added up before.
  bool NeedsLengths() const {
    return common_.clipnorm.has_value() || common_.global_clipnorm.has_value();
  }
  void AddAll(size_t begin, size_t end) const;
  // The squared lengths of every `ranks`th weight's gradient, from number `rank` on.
  void MeasureGradients(size_t rank, size_t ranks);
  // REQUIRES: where lengths are needed, all are measured.
  void Update(size_t begin, size_t end) const;
  float FactorOf(double square) const;
  void ScaleGradients(size_t begin, size_t end) const;
  // Moves statistics towards what the batch says of them, in floats begin ... end of the arenas.
  void Gather(size_t begin, size_t end) const;
  void AddTotals(const StepPlan& plan, Totals* totals) const;

  const graph::Graph& graph_;
  const TrainSetup setup_;
  const std::vector<bool> trainable_;  // one a layer
  const int shards_;
  LoweredGraph lowered_;
  losses::Target target_;
  metrics::MetricSet metrics_;
  const optimizers::OptimizerKind* optimizer_ = nullptr;
  optimizers::Hyper hyper_;
  optimizers::Common common_;
  std::vector<double> squares_;  // of each weight's gradient
  double learning_rate_ = 0;
  int64_t run_steps_ = 0;
  std::unique_ptr<ParameterStore> parameters_;
  std::map<std::pair<int64_t, bool>, CompiledOperations>
      operations_;  // by rows of a shard, training
  std::map<std::pair<int64_t, bool>, std::unique_ptr<StepPlan>>
      plans_;                               // by rows of a batch, training
  StepPlan* last_[2] = {nullptr, nullptr};  // by training: a step after the first looks nothing up
  std::vector<base::Arena> activations_;    // one a shard
  std::vector<absl::Status> rank_status_;
  std::unique_ptr<base::Team> team_;  // null for one shard
};

}  // namespace gradus::plan
