// SPDX-License-Identifier: Apache-2.0
// Executable over a Program that is replaced when the setup changes.
#include "engine/plan/executable.h"

#include <algorithm>
#include <utility>

#include "engine/base/cpu.h"
#include "engine/base/philox.h"
#include "engine/base/status.h"
#include "engine/graph/goals.h"
#include "engine/kernels/onednn.h"
#include "engine/plan/program.h"
#include "engine/training/initializers/kind.h"
#include "engine/training/optimizers/kind.h"

namespace gradus::plan {
namespace {

// The setup with every default filled in, or what is wrong with it.
absl::StatusOr<TrainSetup> Checked(const graph::Graph& graph, TrainSetup setup) {
  RETURN_IF_ERROR(base::InField(optimizers::Check(setup.optimizer), "optimizer"));
  v1::JobSpec goals;
  *goals.mutable_loss() = setup.loss;
  goals.mutable_metrics()->Assign(setup.metrics.begin(), setup.metrics.end());
  goals.mutable_outputs()->Assign(setup.outputs.begin(), setup.outputs.end());
  RETURN_IF_ERROR(graph::CheckGoals(graph, goals).status());
  setup.loss = goals.loss();
  setup.metrics.assign(goals.metrics().begin(), goals.metrics().end());
  setup.outputs.assign(goals.outputs().begin(), goals.outputs().end());
  return setup;
}

class ExecutableImpl final : public Executable {
 public:
  explicit ExecutableImpl(const graph::Graph& graph) : graph_(graph) {}

  absl::Status Compile(const TrainSetup& given) {
    ASSIGN_OR_RETURN(const TrainSetup setup, Checked(graph_, given));
    ASSIGN_OR_RETURN(program_, Program::Create(graph_, setup));
    return absl::OkStatus();
  }

  absl::Status Reconfigure(const TrainSetup& given, bool keep_slots) override {
    ASSIGN_OR_RETURN(const TrainSetup setup, Checked(graph_, given));
    ASSIGN_OR_RETURN(auto program, Program::Create(graph_, setup));
    RETURN_IF_ERROR(program->ImportWeights(program_->parameters().ExportWeights()));
    if (keep_slots) {
      for (const NamedTensor& slot : program_->parameters().ExportSlots()) {
        // A slot whose weight is frozen now, or that this optimizer does not have, is given up.
        const absl::Status status =
            program->parameters().ImportSlots(std::span(&slot, 1), /*all=*/false);
        if (!status.ok() && !absl::IsInvalidArgument(status)) return status;
      }
      program->set_optimizer_steps(program_->optimizer_steps());
    }
    program->set_run_steps(program_->run_steps());
    program_ = std::move(program);
    return absl::OkStatus();
  }

  void InitializeWeights(uint64_t seed) override {
    std::vector<float> values;
    for (size_t i = 0; i < graph_.parameters().size(); ++i) {
      const graph::Parameter& parameter = graph_.parameters()[i];
      values.assign(static_cast<size_t>(parameter.count), 0.0F);
      const base::RandomKey key{.seed = seed,
                                .purpose = base::RandomPurpose::kInitialize,
                                .index = static_cast<uint32_t>(i),
                                .step = 0};
      initializers::Find(parameter.initializer)
          ->draw(parameter.initializer, {parameter.shape, parameter.fan_in, parameter.fan_out}, key,
                 values);
      std::fill(values.begin() + parameter.ones_from, values.begin() + parameter.ones_to, 1.0F);
      program_->parameters().SetWeight(static_cast<int>(i), values.data());
    }
  }

  absl::Status Prepare(int64_t rows, bool training) override {
    return program_->Prepare(rows, training);
  }
  Totals StartTotals(int64_t rows) const override {
    Totals totals{.metrics = program_->metrics().Start()};
    program_->metrics().Reserve(totals.metrics, rows);
    return totals;
  }
  absl::Status TrainStep(const Batch& batch, Totals* totals) override {
    return program_->Step(batch, true, totals);
  }
  absl::Status EvalStep(const Batch& batch, Totals* totals) override {
    return program_->Step(batch, false, totals);
  }

  absl::Status EvalShare(const Batch& batch, std::span<std::byte> note) override {
    return program_->EvalShare(batch, note);
  }
  size_t NoteBytes(int64_t rows, base::ShardRange share) const override {
    return program_->NoteBytes(rows, share);
  }
  void AddNotes(int64_t rows, std::span<const std::span<const std::byte>> notes,
                Totals* totals) const override {
    program_->AddNotes(rows, notes, totals);
  }

  void SetLearningRate(double learning_rate) override { program_->SetLearningRate(learning_rate); }
  double learning_rate() const override { return program_->learning_rate(); }
  double step_learning_rate() const override {
    return program_->RateAt(std::max<int64_t>(program_->optimizer_steps() - 1, 0));
  }
  void SetTotalSteps(int64_t steps) override { program_->set_total_steps(steps); }

  std::span<const losses::Target> targets() const override { return program_->targets(); }
  const metrics::MetricSet& metrics() const override { return program_->metrics(); }
  const graph::Graph& graph() const override { return graph_; }
  int64_t trainable_params() const override {
    return graph_.trainable_params(program_->trainable());
  }

  std::vector<NamedTensor> ExportWeights() const override {
    return program_->parameters().ExportWeights();
  }
  absl::Status ImportWeights(std::span<const NamedTensor> tensors) override {
    return program_->ImportWeights(tensors);
  }
  void SwapAverages() override { program_->SwapAverages(); }
  std::vector<NamedTensor> ExportSlots() const override {
    return program_->parameters().ExportSlots();
  }
  absl::Status ImportSlots(std::span<const NamedTensor> tensors) override {
    return program_->parameters().ImportSlots(tensors, /*all=*/true);
  }
  int64_t optimizer_steps() const override { return program_->optimizer_steps(); }
  void SetOptimizerSteps(int64_t steps) override { program_->set_optimizer_steps(steps); }
  int64_t run_steps() const override { return program_->run_steps(); }
  void SetRunSteps(int64_t steps) override { program_->set_run_steps(steps); }
  std::string FirstNonFiniteWeight() const override {
    return program_->parameters().FirstNonFiniteWeight();
  }
  uint64_t WeightsChecksum() const override { return program_->parameters().Checksum(); }

  absl::StatusOr<std::string> Dump(int64_t rows, bool training) override {
    return program_->Dump(rows, training);
  }
  uint64_t memory_bytes() const override { return program_->memory_bytes(); }

 private:
  const graph::Graph graph_;
  std::unique_ptr<Program> program_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Executable>> Executable::Create(const graph::Graph& graph,
                                                               const TrainSetup& setup) {
  auto executable = std::make_unique<ExecutableImpl>(graph);
  RETURN_IF_ERROR(executable->Compile(setup));
  return executable;
}

Fingerprint EngineFingerprint() { return {std::string(base::IsaName()), kernels::OnednnVersion()}; }

}  // namespace gradus::plan
