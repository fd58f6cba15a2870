// SPDX-License-Identifier: Apache-2.0
// Compiles a setup: layouts first, then parameters, then plans as numbers of rows come up.
#include "engine/plan/program.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/parallel.h"
#include "engine/training/schedules/kind.h"

namespace gradus::plan {
namespace {

base::ShardRange ShareOf(const TrainSetup& setup) {
  if (setup.exchange == nullptr) return {0, setup.logical_shards};
  return setup.exchange->shares()[static_cast<size_t>(setup.exchange->place())];
}

absl::Status CheckSizes(const graph::Graph& graph, const TrainSetup& setup) {
  if (setup.batch_size < 1)
    return absl::InvalidArgumentError(absl::StrCat("a batch size of ", setup.batch_size));
  if (setup.cores < 1) return absl::InvalidArgumentError(absl::StrCat(setup.cores, " cores"));
  if (setup.logical_shards < 1 ||
      !std::has_single_bit(static_cast<unsigned>(setup.logical_shards))) {
    return absl::InvalidArgumentError(
        absl::StrCat(setup.logical_shards, " shards: not a power of two"));
  }
  if (setup.exchange != nullptr && setup.logical_shards == 1)
    return absl::InvalidArgumentError("one shard cannot be shared by processes");
  if (setup.exchange != nullptr && setup.exchange->shares().back().end != setup.logical_shards) {
    return absl::InvalidArgumentError(absl::StrCat("processes share ",
                                                   setup.exchange->shares().back().end,
                                                   " shards of ", setup.logical_shards));
  }
  if (!setup.trainable.empty() && setup.trainable.size() != graph.nodes().size()) {
    return absl::InvalidArgumentError(absl::StrCat("trainable has ", setup.trainable.size(),
                                                   " entries for ", graph.nodes().size(),
                                                   " layers"));
  }
  return absl::OkStatus();
}

}  // namespace

Program::Program(const graph::Graph& graph, const TrainSetup& setup)
    : graph_(graph),
      setup_(setup),
      trainable_(setup.trainable.empty() ? graph.trainable() : setup.trainable),
      share_(ShareOf(setup)),
      shards_(share_.size()) {}

absl::StatusOr<std::unique_ptr<Program>> Program::Create(const graph::Graph& graph,
                                                         const TrainSetup& setup) {
  RETURN_IF_ERROR(CheckSizes(graph, setup));
  std::unique_ptr<Program> program(new Program(graph, setup));
  RETURN_IF_ERROR(program->Build());
  return program;
}

absl::Status Program::Build() {
  if (setup_.loss.kind_case() != v1::Loss::KIND_NOT_SET || !setup_.outputs.empty()) {
    ASSIGN_OR_RETURN(goals_, graph::GoalsOf(graph_, setup_.loss, setup_.metrics, setup_.outputs));
  }
  lowered_ = LowerGraph(graph_, goals_);
  for (const graph::Goal& goal : goals_) targets_.push_back(goal.scored.target);
  metrics_ = graph::MetricsOf(goals_);
  optimizer_ = optimizers::Find(setup_.optimizer);
  first_rate_ = optimizer_->learning_rate(setup_.optimizer);
  learning_rate_ = first_rate_;
  common_ = optimizers::CommonOf(setup_.optimizer);
  ASSIGN_OR_RETURN(kernels::Layouts layouts, ChooseLayouts());
  ASSIGN_OR_RETURN(parameters_,
                   ParameterStore::Create(graph_, std::move(layouts), Roles(), shards_,
                                          optimizers::SlotNames(setup_.optimizer), SlotStart()));
  PlanUpdate();
  activations_.resize(static_cast<size_t>(shards_));
  if (setup_.exchange != nullptr) PlanExchange();
  if (setup_.logical_shards > 1) {
    base::Team::Options options;
    options.size = std::min(setup_.cores, shards_);
    if (setup_.cpus.size() >= static_cast<size_t>(options.size)) options.cpus = setup_.cpus;
    team_ = std::make_unique<base::Team>(options);
    rank_status_.resize(static_cast<size_t>(options.size));
  }
  return absl::OkStatus();
}

void Program::PlanUpdate() {
  update_ = MakeUpdateParts(graph_, *parameters_, setup_.rate_factors);
  hypers_.assign(update_.rate_factors.size(), optimizer_->hyper(setup_.optimizer));
  constraints_ = WeightConstraints(graph_, *parameters_);
  optimizer_slots_ = static_cast<int>(optimizer_->slots(setup_.optimizer).size());
  squares_.assign(graph_.parameters().size(), 0);
  penalties_.assign(graph_.parameters().size(), 0);
}

float Program::SlotStart() const {
  return optimizer_->slot_start == nullptr ? 0 : optimizer_->slot_start(setup_.optimizer);
}

std::vector<Role> Program::Roles() const {
  std::vector<Role> roles;
  for (const graph::Parameter& parameter : graph_.parameters()) {
    const bool fixed = parameter.fixed || !trainable_[static_cast<size_t>(parameter.layer)];
    roles.push_back(fixed ? Role::kFixed : parameter.statistic ? Role::kStatistic : Role::kTrained);
  }
  return roles;
}

kernels::Setting Program::SettingFor(const Link& link, int64_t rows, bool training) const {
  return {.rows = rows,
          .threads = KernelThreads(),
          .training = training,
          .frozen = !trainable_[static_cast<size_t>(link.layer)],
          .candidate = {}};
}

absl::StatusOr<kernels::Layouts> Program::ChooseLayouts() {
  const int64_t rows = (setup_.batch_size + setup_.logical_shards - 1) / setup_.logical_shards;
  kernels::UseThreads(KernelThreads());
  kernels::Layouts layouts(graph_.parameters().size());
  CompiledOperations operations;
  for (const Link& link : lowered_.links) {
    // Where a layer is used again, its weights lie already.
    kernels::Layouts given;
    for (const int parameter : link.parameters) {
      const auto& layout = layouts[static_cast<size_t>(parameter)];
      if (layout != nullptr) given.push_back(layout);
    }
    ASSIGN_OR_RETURN(auto compiled, link.operation->Compile(SettingFor(link, rows, true), given));
    const kernels::Layouts chosen = compiled->layouts();
    for (size_t i = 0; i < link.parameters.size(); ++i)
      layouts[static_cast<size_t>(link.parameters[i])] = chosen[i];
    operations.push_back(std::move(compiled));
  }
  operations_.emplace(std::pair(rows, true), std::move(operations));
  return layouts;
}

absl::StatusOr<const CompiledOperations*> Program::OperationsFor(int64_t rows, bool training) {
  const auto found = operations_.find({rows, training});
  if (found != operations_.end()) return &found->second;
  kernels::UseThreads(KernelThreads());
  CompiledOperations operations;
  for (const Link& link : lowered_.links) {
    kernels::Layouts layouts;
    for (const int parameter : link.parameters) layouts.push_back(parameters_->layout(parameter));
    ASSIGN_OR_RETURN(auto compiled,
                     link.operation->Compile(SettingFor(link, rows, training), layouts));
    operations.push_back(std::move(compiled));
  }
  return &operations_.emplace(std::pair(rows, training), std::move(operations)).first->second;
}

absl::StatusOr<Program::StepPlan*> Program::FindPlan(int64_t rows, bool training) {
  StepPlan*& last = last_[training ? 1 : 0];
  if (last != nullptr && last->rows == rows) return last;
  auto found = plans_.find({rows, training});
  if (found == plans_.end()) {
    if (rows < 1 || rows > setup_.batch_size) {
      return absl::InvalidArgumentError(
          absl::StrCat("a batch of ", rows, " rows: this plan takes 1 to ", setup_.batch_size));
    }
    ASSIGN_OR_RETURN(auto plan, CompileStep(rows, training));
    found = plans_.emplace(std::pair(rows, training), std::move(plan)).first;
  }
  last = found->second.get();
  return last;
}

absl::StatusOr<std::unique_ptr<Program::StepPlan>> Program::CompileStep(int64_t rows,
                                                                        bool training) {
  auto plan = std::make_unique<StepPlan>();
  plan->rows = rows;
  plan->training = training;
  plan->shards.resize(static_cast<size_t>(shards_));
  for (int shard = 0; shard < shards_; ++shard) {
    const int number = share_.begin + shard;
    const int64_t first = base::FirstRowOfShard(rows, number, setup_.logical_shards);
    const int64_t shard_rows =
        base::FirstRowOfShard(rows, number + 1, setup_.logical_shards) - first;
    plan->first_row.push_back(first);
    if (shard_rows == 0) continue;
    ASSIGN_OR_RETURN(const CompiledOperations* operations, OperationsFor(shard_rows, training));
    ASSIGN_OR_RETURN(auto compiled, ShardPlan::Compile({.graph = lowered_,
                                                        .goals = goals_,
                                                        .seed = setup_.seed,
                                                        .metrics = metrics_,
                                                        .parameters = *parameters_,
                                                        .operations = *operations,
                                                        .shard = shard,
                                                        .threads = KernelThreads(),
                                                        .first_row = first,
                                                        .rows = shard_rows,
                                                        .batch_rows = rows,
                                                        .training = training}));
    const auto at = static_cast<size_t>(shard);
    RETURN_IF_ERROR(Reserve(at, compiled->bytes()));
    compiled->Bind(activations_[at].data());
    if (setup_.exchange != nullptr) compiled->SetStretches(stretch_of_);
    plan->shards[at] = std::move(compiled);
  }
  if (setup_.exchange != nullptr) {
    for (const base::ShardRange share : setup_.exchange->shares())
      plan->note_bytes.push_back(NoteBytes(rows, share));
  }
  return plan;
}

absl::Status Program::Reserve(size_t shard, size_t bytes) {
  if (bytes <= activations_[shard].size()) return absl::OkStatus();
  ASSIGN_OR_RETURN(base::Arena larger, base::Arena::Allocate(bytes));
  activations_[shard] = std::move(larger);
  for (auto& [key, plan] : plans_) {
    if (plan->shards[shard] != nullptr) plan->shards[shard]->Bind(activations_[shard].data());
  }
  return absl::OkStatus();
}

void Program::SetLearningRate(double learning_rate) { learning_rate_ = learning_rate; }

double Program::RateAt(int64_t step) const {
  if (!common_.schedule.has_value()) return learning_rate_;
  const double rate = schedules::Rate(
      *common_.schedule, {.learning_rate = first_rate_, .step = step, .total_steps = total_steps_});
  return learning_rate_ == first_rate_ ? rate : rate * (learning_rate_ / first_rate_);
}

uint64_t Program::memory_bytes() const {
  uint64_t sum = parameters_->bytes();
  for (const base::Arena& arena : activations_) sum += arena.size();
  return sum;
}

absl::StatusOr<std::string> Program::Dump(int64_t rows, bool training) {
  ASSIGN_OR_RETURN(const StepPlan* plan, FindPlan(rows, training));
  std::string text =
      absl::StrCat(training ? "training step" : "evaluation", " of ", rows, " rows in ", shards_,
                   shards_ == 1 ? " shard" : " shards", ", ", setup_.cores,
                   setup_.cores == 1 ? " core" : " cores", ", ", memory_bytes(), " bytes\n");
  for (size_t shard = 0; shard < plan->shards.size(); ++shard) {
    const ShardPlan* compiled = plan->shards[shard].get();
    if (compiled == nullptr) {
      absl::StrAppend(&text, "shard ", shard, ": no rows\n");
      continue;
    }
    absl::StrAppend(&text, "shard ", shard, ": ", compiled->rows(), " rows\n", compiled->Dump());
    ASSIGN_OR_RETURN(const CompiledOperations* operations,
                     OperationsFor(compiled->rows(), training));
    for (size_t i = 0; i < operations->size(); ++i) {
      for (const std::string& refusal : (*operations)[i]->refusals()) {
        absl::StrAppend(&text, "  not taken for ", lowered_.links[i].operation->name(), ": ",
                        refusal, "\n");
      }
    }
  }
  return text;
}

}  // namespace gradus::plan
