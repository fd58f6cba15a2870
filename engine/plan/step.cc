// SPDX-License-Identifier: Apache-2.0
// One step: the shards' kernels, the sum of their gradients in tree order, the update.
#include <algorithm>

#include "engine/base/status.h"
#include "engine/kernels/parallel.h"
#include "engine/plan/program.h"

namespace gradus::plan {
namespace {

constexpr size_t kLine = 16;

}  // namespace

absl::Status Program::Step(const Batch& batch, bool training, Totals* totals) {
  ASSIGN_OR_RETURN(StepPlan * plan, FindPlan(batch.rows, training));
  BindBatch(*plan, batch);
  if (training) PrepareUpdate();
  if (training && setup_.exchange != nullptr) BeginExchange();
  RETURN_IF_ERROR(team_ == nullptr ? RunAlone(*plan) : RunTeam(*plan));
  if (training) {
    ++optimizer_steps_;
    ++run_steps_;
  }
  if (training && setup_.exchange != nullptr) {
    AddNotes(batch.rows, note_of_, totals);
  } else {
    AddTotals(*plan, totals);
  }
  return absl::OkStatus();
}

absl::Status Program::EvalShare(const Batch& batch, std::span<std::byte> note) {
  ASSIGN_OR_RETURN(StepPlan * plan, FindPlan(batch.rows, false));
  BindBatch(*plan, batch);
  RETURN_IF_ERROR(team_ == nullptr ? RunAlone(*plan) : RunTeam(*plan));
  WriteNote(*plan, note);
  return absl::OkStatus();
}

absl::Status Program::Predict(const float* inputs, int64_t rows, float* outputs) {
  ASSIGN_OR_RETURN(StepPlan * plan, FindPlan(rows, false));
  BindBatch(*plan, {.inputs = inputs, .targets = nullptr, .rows = rows});
  RETURN_IF_ERROR(team_ == nullptr ? RunAlone(*plan) : RunTeam(*plan));
  for (size_t output = 0; output < graph_.outputs().size(); ++output) {
    const int64_t width = graph_.output_values(output);
    for (size_t shard = 0; shard < plan->shards.size(); ++shard) {
      if (plan->shards[shard] == nullptr) continue;
      std::copy_n(plan->shards[shard]->output(output), plan->shards[shard]->rows() * width,
                  outputs + plan->first_row[shard] * width);
    }
    outputs += rows * width;
  }
  return absl::OkStatus();
}

void Program::PrepareUpdate() {
  const double rate = RateAt(optimizer_steps_);
  for (size_t i = 0; i < hypers_.size(); ++i) {
    hypers_[i].step = optimizer_steps_;
    hypers_[i].learning_rate = static_cast<float>(rate * update_.rate_factors[i]);
    if (optimizer_->prepare != nullptr) optimizer_->prepare(hypers_[i]);
  }
}

void Program::BindBatch(StepPlan& plan, const Batch& batch) const {
  for (size_t shard = 0; shard < plan.shards.size(); ++shard) {
    if (plan.shards[shard] == nullptr) continue;
    plan.shards[shard]->SetBatch(batch, static_cast<uint64_t>(run_steps_));
  }
}

absl::Status Program::RunShards(StepPlan& plan, size_t begin, size_t end) {
  for (size_t shard = begin; shard < end; ++shard) {
    const bool exchanged = plan.training && setup_.exchange != nullptr;
    if (plan.shards[shard] != nullptr) {
      RETURN_IF_ERROR(exchanged
                          ? plan.shards[shard]->Run([this](int stretch) { Complete(stretch); })
                          : plan.shards[shard]->Run());
    } else if (plan.training) {
      std::fill_n(parameters_->gradients(static_cast<int>(shard)), parameters_->gathered_floats(),
                  0.0F);
      for (size_t i = 0; i < stretches_.size(); ++i) Complete(static_cast<int>(i));
    }
  }
  return absl::OkStatus();
}

absl::Status Program::RunAlone(StepPlan& plan) {
  kernels::UseThreads(setup_.cores);
  RETURN_IF_ERROR(RunShards(plan, 0, 1));
  if (update_.penalized) MeasurePenalties(0, 1);
  if (plan.training) {
    UpdateAlone();
    Gather(parameters_->trainable_floats(), parameters_->gathered_floats());
  }
  return absl::OkStatus();
}

absl::Status Program::RunTeam(StepPlan& plan) {
  team_->Run([&](int rank) {
    kernels::UseThreads(1);
    const base::Range shards = base::PartOf(plan.shards.size(), rank, team_->size());
    rank_status_[static_cast<size_t>(rank)] = RunShards(plan, shards.begin, shards.end);
    if (update_.penalized)
      MeasurePenalties(static_cast<size_t>(rank), static_cast<size_t>(team_->size()));
    if (!plan.training) return;
    team_->Sync();
    // Every rank sees the same statuses after the barrier: all update, or none.
    if (!AllRan()) return;
    if (setup_.exchange != nullptr) {
      team_->Sync();  // all have looked
      if (rank == 0) rank_status_[0] = FinishExchange(plan);
      team_->Sync();
      if (!AllRan()) return;
    }
    UpdateInTeam(rank);
    const base::Range gathered =
        base::PartOf(parameters_->gathered_floats() - parameters_->trainable_floats(), rank,
                     team_->size(), kLine);
    Gather(parameters_->trainable_floats() + gathered.begin,
           parameters_->trainable_floats() + gathered.end);
  });
  for (const absl::Status& status : rank_status_) RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

bool Program::AllRan() const {
  return std::ranges::all_of(rank_status_, [](const absl::Status& status) { return status.ok(); });
}

void Program::AddPenalties(int64_t rows, Totals* totals) const {
  totals->rows += rows;
  if (update_.penalized) {
    for (const double penalty : penalties_) totals->loss += penalty * static_cast<double>(rows);
  }
  if (totals->metrics.empty()) totals->metrics = metrics_.Start();
}

void Program::AddTotals(const StepPlan& plan, Totals* totals) const {
  AddPenalties(plan.rows, totals);
  for (const auto& shard : plan.shards) {
    if (shard == nullptr) continue;
    totals->loss += shard->loss_sum();
    metrics_.Merge(shard->tallies(), totals->metrics);
  }
}

}  // namespace gradus::plan
