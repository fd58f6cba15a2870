// SPDX-License-Identifier: Apache-2.0
// One step: the shards' kernels, the sum of their gradients in tree order, the update.
#include <algorithm>

#include "engine/base/status.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/vector/functions.h"
#include "engine/plan/program.h"

namespace gradus::plan {
namespace {

constexpr size_t kLine = 16;
// Floats that are summed and updated while they are in the first-level cache.
constexpr size_t kChunk = 2048;

}  // namespace

absl::Status Program::Step(const Batch& batch, bool training, Totals* totals) {
  ASSIGN_OR_RETURN(StepPlan * plan, FindPlan(batch.rows, training));
  BindBatch(*plan, batch);
  RETURN_IF_ERROR(team_ == nullptr ? RunAlone(*plan) : RunTeam(*plan));
  if (training) {
    ++hyper_.step;
    ++run_steps_;
  }
  AddTotals(*plan, totals);
  return absl::OkStatus();
}

void Program::BindBatch(StepPlan& plan, const Batch& batch) const {
  const int64_t target_bytes = target_.form == losses::TargetForm::kClass
                                   ? static_cast<int64_t>(sizeof(int32_t))
                                   : target_.width * static_cast<int64_t>(sizeof(float));
  for (size_t shard = 0; shard < plan.shards.size(); ++shard) {
    if (plan.shards[shard] == nullptr) continue;
    const int64_t first = plan.first_row[shard];
    plan.shards[shard]->SetBatch(
        batch.inputs + first * graph_.input_values(),
        static_cast<const std::byte*>(batch.targets) + first * target_bytes,
        static_cast<uint64_t>(run_steps_));
  }
}

absl::Status Program::RunShards(StepPlan& plan, size_t begin, size_t end) {
  for (size_t shard = begin; shard < end; ++shard) {
    if (plan.shards[shard] != nullptr) {
      RETURN_IF_ERROR(plan.shards[shard]->Run());
    } else if (plan.training) {
      std::fill_n(parameters_->gradients(static_cast<int>(shard)), parameters_->gathered_floats(),
                  0.0F);
    }
  }
  return absl::OkStatus();
}

absl::Status Program::RunAlone(StepPlan& plan) {
  kernels::UseThreads(setup_.cores);
  RETURN_IF_ERROR(RunShards(plan, 0, 1));
  if (plan.training) {
    kernels::ParallelRanges(setup_.cores, parameters_->trainable_floats(), kLine,
                            [this](size_t begin, size_t end) { Update(begin, end); });
    Gather(parameters_->trainable_floats(), parameters_->gathered_floats());
  }
  return absl::OkStatus();
}

absl::Status Program::RunTeam(StepPlan& plan) {
  team_->Run([&](int rank) {
    kernels::UseThreads(1);
    const base::Range shards = base::PartOf(plan.shards.size(), rank, team_->size());
    rank_status_[static_cast<size_t>(rank)] = RunShards(plan, shards.begin, shards.end);
    if (!plan.training) return;
    team_->Sync();
    // Every rank sees the same statuses after the barrier: all update, or none.
    if (!std::ranges::all_of(rank_status_, [](const absl::Status& status) { return status.ok(); }))
      return;
    const base::Range part =
        base::PartOf(parameters_->trainable_floats(), rank, team_->size(), kLine);
    Update(part.begin, part.end);
    const base::Range gathered =
        base::PartOf(parameters_->gathered_floats() - parameters_->trainable_floats(), rank,
                     team_->size(), kLine);
    Gather(parameters_->trainable_floats() + gathered.begin,
           parameters_->trainable_floats() + gathered.end);
  });
  for (const absl::Status& status : rank_status_) RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

void Program::AddShards(size_t begin, size_t count) const {
  for (int stride = 1; stride < shards_; stride *= 2) {
    for (int shard = 0; shard + stride < shards_; shard += 2 * stride) {
      kernels::Vector().add(parameters_->gradients(shard) + begin,
                            parameters_->gradients(shard + stride) + begin, count);
    }
  }
}

void Program::Update(size_t begin, size_t end) const {
  for (size_t at = begin; at < end; at += kChunk) {
    const size_t count = std::min(kChunk, end - at);
    AddShards(at, count);
    optimizers::Stretch stretch{.weights = parameters_->weights() + at,
                                .gradients = parameters_->gradients(0) + at,
                                .count = count};
    for (int slot = 0; slot < parameters_->slots(); ++slot)
      stretch.slots[slot] = parameters_->slot(slot) + at;
    optimizer_->update(hyper_, stretch);
  }
}

void Program::Gather(size_t begin, size_t end) const {
  if (begin == end) return;
  AddShards(begin, end - begin);
  for (size_t i = 0; i < graph_.parameters().size(); ++i) {
    const int parameter = static_cast<int>(i);
    if (parameters_->role(parameter) != Role::kStatistic) continue;
    const auto momentum = static_cast<float>(graph_.parameters()[i].momentum);
    const size_t first = std::max(begin, parameters_->offset(parameter));
    const size_t last =
        std::min(end, parameters_->offset(parameter) + parameters_->layout(parameter)->floats());
    for (size_t k = first; k < last; ++k) {
      float& moving = parameters_->weights()[k];
      moving = momentum * moving + (1.0F - momentum) * parameters_->gradients(0)[k];
    }
  }
}

void Program::AddTotals(const StepPlan& plan, Totals* totals) const {
  totals->rows += plan.rows;
  for (const auto& shard : plan.shards) {
    if (shard == nullptr) continue;
    totals->loss += shard->loss_sum();
    for (size_t i = 0; i < setup_.metrics.size(); ++i) totals->metrics[i] += shard->metric_sum(i);
  }
}

}  // namespace gradus::plan
