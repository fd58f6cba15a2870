// SPDX-License-Identifier: Apache-2.0
// Compiles a shard's kernels: which gradients are wanted, how long each tensor lives, where it
// lies.
#include <algorithm>
#include <map>
#include <utility>

#include "engine/base/status.h"
#include "engine/kernels/accumulate.h"
#include "engine/kernels/penalty.h"
#include "engine/plan/loss_of_rows.h"
#include "engine/plan/placement.h"
#include "engine/plan/shard_plan.h"
#include "engine/training/losses/kind.h"
#include "engine/training/metrics/metric_set.h"

namespace gradus::plan {
namespace {

// Vector kernels may read this far behind a tensor, though not use what they read.
constexpr size_t kReadPast = 64;
constexpr int kNobody = -1;

// A source of a link, or one of its weights.
struct Use {
  int link;
  size_t operand;
};

// Something that has to be added to a sum, once the kernel that writes it has run.
struct Part {
  kernels::Cell part;
  kernels::Cell sum;
  int64_t count;
};

}  // namespace

// Moments: link i runs forward at i, the loss and the metrics at L, link i backward at 2 L - i, for
// L links. What is used more than once gets a gradient from each use: the first that is computed is
// the sum that the others are added to, in the order in which they are computed.
class ShardCompiler {
 public:
  explicit ShardCompiler(const ShardRequest& request)
      : request_(request),
        links_(request.graph.links),
        values_(request.graph.value_floats.size()),
        plan_(new ShardPlan) {}

  absl::StatusOr<std::unique_ptr<ShardPlan>> Run() && {
    plan_->rows_ = request_.rows;
    plan_->draw_ = {.seed = request_.seed, .step = 0, .first_row = request_.first_row};
    FindUses();
    PlaceValues();
    std::vector<Emission> forward;
    std::vector<Emission> backward;
    for (int i = 0; i < end(); ++i) {
      forward.push_back(PrepareForward(i));
      backward.push_back(PrepareBackward(i));
    }
    AddBlocksOfLosses();
    PlaceBlocks();
    plan_->penalty_sums_.resize(request_.graph.penalties.size());
    AddPenaltiesOf(kNobody);
    for (int i = 0; i < end(); ++i) {
      ASSIGN_OR_RETURN(auto kernels, OperationOf(i).Forward(forward[At(i)].operands));
      Append(std::move(kernels), forward[At(i)]);
      NoteWhole(i, Role::kStatistic);
      AddPenaltiesOf(i);
    }
    RETURN_IF_ERROR(AddLossesAndMetrics());
    for (int i = end() - 1; i >= 0 && request_.training; --i) {
      if (!wanted_[At(links_[At(i)].dst)]) continue;
      AddPenaltyGradients(At(links_[At(i)].dst));
      ASSIGN_OR_RETURN(auto kernels, OperationOf(i).Backward(backward[At(i)].operands));
      Append(std::move(kernels), backward[At(i)]);
      NoteWhole(i, Role::kTrained);
    }
    return std::move(plan_);
  }

 private:
  // A link's operands in one direction, and what is to be added up after it.
  struct Emission {
    kernels::Operands operands;
    std::vector<Part> parts;
  };

  static size_t At(int index) { return static_cast<size_t>(index); }
  int end() const { return static_cast<int>(links_.size()); }
  int backward(int link) const { return 2 * end() - link; }
  const kernels::CompiledOperation& OperationOf(int link) const {
    return *request_.operations[At(link)];
  }

  bool IsTrained(int parameter) const {
    return request_.training && request_.parameters.role(parameter) == Role::kTrained;
  }
  bool Trains(const Link& link) const {
    return std::ranges::any_of(link.parameters,
                               [this](int parameter) { return IsTrained(parameter); });
  }

  // A value's gradient is wanted where something before it trains: not for inputs, not inside a
  // frozen beginning.
  void FindUses() {
    wanted_.assign(values_, false);
    uses_.resize(values_);
    producer_.assign(values_, kNobody);
    for (int i = 0; i < end(); ++i) {
      const Link& link = links_[At(i)];
      bool wanted = Trains(link);
      for (size_t operand = 0; operand < link.srcs.size(); ++operand) {
        uses_[At(link.srcs[operand])].push_back({i, operand});
        wanted = wanted || wanted_[At(link.srcs[operand])];
      }
      producer_[At(link.dst)] = i;
      wanted_[At(link.dst)] = request_.training && wanted;
      for (const int parameter : link.parameters) parameter_links_[parameter].push_back(i);
    }
  }

  kernels::Cell AddBlock(size_t bytes, int first, int last) {
    blocks_.push_back({bytes + kReadPast, first, last});
    block_cells_.push_back(&plan_->cells_.emplace_back(nullptr));
    return block_cells_.back();
  }

  size_t Bytes(size_t value) const {
    return static_cast<size_t>(request_.rows * request_.graph.value_floats[value]) * sizeof(float);
  }
  bool IsOutput(size_t value) const {
    return std::ranges::any_of(request_.graph.outputs, [value](const LoweredOutput& output) {
      return At(output.value) == value;
    });
  }

  // The last moment at which the value itself, not its gradient, is read.
  int LastRead(size_t value) const {
    const int producer = producer_[value];
    int last = IsOutput(value) ? end() : producer;
    for (const Use& use : uses_[value]) {
      const Link& link = links_[At(use.link)];
      const bool again = wanted_[At(link.dst)] && link.operation->backward_reads_src(Trains(link));
      last = std::max(last, again ? backward(use.link) : use.link);
    }
    if (producer != kNobody && wanted_[value] &&
        (links_[At(producer)].operation->backward_reads_dst() || IsPenalized(value))) {
      last = std::max(last, backward(producer));
    }
    return last;
  }

  // The moment at which the first part of a value's gradient is there.
  int FirstGradient(size_t value) const {
    return IsOutput(value) ? end() : backward(uses_[value].back().link);
  }

  bool IsPenalized(size_t value) const {
    return std::ranges::any_of(request_.graph.penalties, [value](const ValuePenalty& penalty) {
      return At(penalty.value) == value;
    });
  }

  kernels::PenaltySettings SettingsOf(const ValuePenalty& penalty) const {
    return {.l1 = penalty.coefficients.l1,
            .l2 = penalty.coefficients.l2,
            .rows = request_.rows,
            .width = request_.graph.value_floats[At(penalty.value)]};
  }

  // Of what this link gives; kNobody: of the inputs.
  void AddPenaltiesOf(int link) {
    for (size_t i = 0; i < request_.graph.penalties.size(); ++i) {
      const ValuePenalty& penalty = request_.graph.penalties[i];
      if (producer_[At(penalty.value)] != link) continue;
      plan_->kernels_.push_back(kernels::MakePenalty(
          SettingsOf(penalty), value_cells_[At(penalty.value)], &plan_->penalty_sums_[i]));
    }
  }

  // Once all other parts of the value's gradient are there.
  void AddPenaltyGradients(size_t value) {
    for (const ValuePenalty& penalty : request_.graph.penalties) {
      if (At(penalty.value) != value) continue;
      plan_->kernels_.push_back(kernels::MakePenaltyGradient(
          SettingsOf(penalty), 1.0F / static_cast<float>(request_.batch_rows), request_.threads,
          value_cells_[value], gradient_cells_[value]));
    }
  }

  void PlaceValues() {
    value_cells_.assign(values_, nullptr);
    gradient_cells_.assign(values_, nullptr);
    int64_t before = 0;
    for (size_t value = 0; value < request_.graph.inputs; ++value) {
      const int64_t bytes = request_.graph.value_floats[value] * int64_t{sizeof(float)};
      plan_->inputs_.push_back({.row_bytes = bytes, .bytes_before = before});
      value_cells_[value] = &plan_->inputs_.back().pointer;
      before += bytes;
    }
    for (size_t value = request_.graph.inputs; value < values_; ++value) {
      value_cells_[value] = AddBlock(Bytes(value), producer_[value], LastRead(value));
      if (wanted_[value]) {
        gradient_cells_[value] =
            AddBlock(Bytes(value), FirstGradient(value), backward(producer_[value]));
      }
    }
    for (int i = 0; i < end(); ++i) {
      const size_t bytes = OperationOf(i).workspace_bytes();
      const int last = wanted_[At(links_[At(i)].dst)] ? backward(i) : i;
      workspaces_.push_back(bytes == 0 ? nullptr : AddBlock(bytes, i, last));
    }
  }

  // What both directions have in common.
  kernels::Operands OperandsOf(int index, int moment) {
    const Link& link = links_[At(index)];
    kernels::Operands operands;
    for (const int src : link.srcs) operands.srcs.push_back(value_cells_[At(src)]);
    operands.dst = value_cells_[At(link.dst)];
    operands.diff_dst = gradient_cells_[At(link.dst)];
    operands.diff_srcs.assign(link.srcs.size(), nullptr);
    for (const int parameter : link.parameters)
      operands.weights.push_back(request_.parameters.weight(parameter));
    operands.diff_weights.assign(link.parameters.size(), nullptr);
    const size_t scratch = OperationOf(index).scratch_bytes();
    if (scratch > 0) operands.scratch = AddBlock(scratch, moment, moment);
    operands.workspace = workspaces_[At(index)];
    operands.draw = &plan_->draw_;
    operands.stream = link.stream;
    return operands;
  }

  // `sum` for whoever writes first, else memory of its own whose content is added to it.
  kernels::Cell SumOrPart(bool first, kernels::Cell sum, size_t floats, int moment,
                          Emission& emission) {
    if (first) return sum;
    const kernels::Cell part = AddBlock(floats * sizeof(float), moment, moment);
    emission.parts.push_back({part, sum, static_cast<int64_t>(floats)});
    return part;
  }

  Emission PrepareForward(int index) {
    Emission emission;
    emission.operands = OperandsOf(index, index);
    const Link& link = links_[At(index)];
    for (size_t i = 0; i < link.parameters.size() && request_.training; ++i) {
      const int parameter = link.parameters[i];
      if (request_.parameters.role(parameter) != Role::kStatistic) continue;
      const std::vector<int>& links = parameter_links_[parameter];
      emission.operands.share = static_cast<float>(request_.rows) /
                                static_cast<float>(request_.batch_rows) /
                                static_cast<float>(links.size());
      emission.operands.diff_weights[i] =
          SumOrPart(links.front() == index, request_.parameters.gradient(request_.shard, parameter),
                    request_.parameters.layout(parameter)->floats(), index, emission);
    }
    return emission;
  }

  Emission PrepareBackward(int index) {
    Emission emission;
    const Link& link = links_[At(index)];
    if (!wanted_[At(link.dst)]) return emission;
    const int moment = backward(index);
    emission.operands = OperandsOf(index, moment);
    for (size_t i = 0; i < link.srcs.size(); ++i) {
      const size_t value = At(link.srcs[i]);
      if (!wanted_[value]) continue;
      const Use& last = uses_[value].back();
      const bool first = !IsOutput(value) && last.link == index && last.operand == i;
      emission.operands.diff_srcs[i] =
          SumOrPart(first, gradient_cells_[value], Bytes(value) / sizeof(float), moment, emission);
    }
    for (size_t i = 0; i < link.parameters.size(); ++i) {
      const int parameter = link.parameters[i];
      if (!IsTrained(parameter)) continue;
      emission.operands.diff_weights[i] =
          SumOrPart(parameter_links_[parameter].back() == index,
                    request_.parameters.gradient(request_.shard, parameter),
                    request_.parameters.layout(parameter)->floats(), moment, emission);
    }
    return emission;
  }

  void PlaceBlocks() {
    const Placement placement = Place(blocks_);
    for (size_t i = 0; i < blocks_.size(); ++i)
      plan_->placed_.push_back({block_cells_[i], placement.offsets[i]});
    plan_->bytes_ = placement.total;
  }

  void Append(kernels::Kernels kernels, const Emission& emission) {
    for (auto& kernel : kernels) plan_->kernels_.push_back(std::move(kernel));
    for (const Part& part : emission.parts) {
      plan_->kernels_.push_back(
          kernels::MakeAccumulate(part.count, request_.threads, part.part, part.sum));
    }
  }

  // The gradients that this link, the last to add to them, has made whole.
  void NoteWhole(int link, Role role) {
    for (const int parameter : links_[At(link)].parameters) {
      if (!request_.training || request_.parameters.role(parameter) != role) continue;
      const std::vector<int>& links = parameter_links_[parameter];
      const int last = role == Role::kTrained ? links.front() : links.back();
      if (last == link) plan_->whole_.push_back({plan_->kernels_.size(), parameter});
    }
  }

  // Where two outputs are one value, the second loss's gradient is added to the first one's.
  void AddBlocksOfLosses() {
    std::vector<bool> written(values_, false);
    int64_t before = 0;
    for (size_t i = 0; i < request_.goals.size(); ++i) {
      const losses::Target& target = request_.goals[i].scored.target;
      const int64_t bytes = losses::RowBytes(target);
      plan_->targets_.push_back({.row_bytes = bytes, .bytes_before = before});
      before += bytes;
      const size_t value = At(request_.graph.outputs[i].value);
      kernels::Cell diff = gradient_cells_[value];
      if (diff != nullptr && written[value]) diff = AddBlock(Bytes(value), end(), end());
      written[value] = true;
      loss_diffs_.push_back(diff);
    }
  }

  absl::Status AddLossesAndMetrics() {
    const metrics::MetricSet& set = request_.metrics;
    for (size_t i = 0; i < set.size(); ++i) plan_->tallies_.push_back(set.PartOf(i, request_.rows));
    for (const LoweredOutput& output : request_.graph.outputs)
      plan_->outputs_.push_back(value_cells_[At(output.value)]);
    for (size_t i = 0; i < request_.goals.size(); ++i) RETURN_IF_ERROR(AddLossAndMetrics(i));
    return absl::OkStatus();
  }

  absl::Status AddLossAndMetrics(size_t output) {
    const graph::Goal& goal = request_.goals[output];
    const LoweredOutput& lowered = request_.graph.outputs[output];
    const size_t value = At(lowered.value);
    losses::LossOperands operands;
    operands.predictions = value_cells_[value];
    operands.targets = &plan_->targets_[output].pointer;
    operands.diff = loss_diffs_[output];
    operands.sum = &plan_->loss_sum_;
    operands.rows = request_.rows;
    operands.width = request_.graph.value_floats[value];
    operands.scale = static_cast<float>(goal.weight) / static_cast<float>(request_.batch_rows);
    operands.logits = lowered.logits;
    AddMetrics(output, {.predictions = operands.predictions,
                        .targets = operands.targets,
                        .rows = operands.rows,
                        .width = operands.width,
                        .logits = operands.logits,
                        .scoring = goal.scored.loss->scoring,
                        .form = goal.scored.target.form});
    for (size_t i = 0; i < request_.metrics.size(); ++i) {
      if (request_.metrics.is_loss(i) && request_.metrics.output(i) == output)
        operands.sum = plan_->tallies_[i].state.data();
    }
    plan_->loss_sums_.push_back({operands.sum, goal.weight});
    ASSIGN_OR_RETURN(auto kernel, MakeLossOfRows({.kind = *goal.scored.loss,
                                                  .spec = goal.loss,
                                                  .target = goal.scored.target,
                                                  .operands = operands,
                                                  .row_weights = &plan_->row_weights_}));
    plan_->kernels_.push_back(std::move(kernel));
    if (operands.diff != gradient_cells_[value]) {
      plan_->kernels_.push_back(kernels::MakeAccumulate(
          operands.rows * operands.width, request_.threads, operands.diff, gradient_cells_[value]));
    }
    return absl::OkStatus();
  }

  void AddMetrics(size_t output, metrics::MetricOperands operands) {
    const metrics::MetricSet& set = request_.metrics;
    for (size_t i = 0; i < set.size(); ++i) {
      if (set.output(i) != output || set.is_loss(i)) continue;
      if (request_.training && set.kind(i).from == metrics::Occasion::kTest) continue;
      operands.state = plan_->tallies_[i].state.data();
      operands.kept = plan_->tallies_[i].kept.data();
      plan_->kernels_.push_back(set.kind(i).lower(set.spec(i), operands));
    }
  }

  const ShardRequest& request_;
  const std::vector<Link>& links_;
  const size_t values_;
  std::unique_ptr<ShardPlan> plan_;
  std::vector<bool> wanted_;            // a value's gradient
  std::vector<std::vector<Use>> uses_;  // of each value, in the order of the links
  std::vector<int> producer_;           // links, one a value
  std::map<int, std::vector<int>> parameter_links_;
  std::vector<Block> blocks_;
  std::vector<void**> block_cells_;
  std::vector<kernels::Cell> value_cells_;
  std::vector<kernels::Cell> gradient_cells_;
  std::vector<kernels::Cell> workspaces_;  // one a link
  std::vector<kernels::Cell> loss_diffs_;  // one an output
};

absl::StatusOr<std::unique_ptr<ShardPlan>> ShardPlan::Compile(const ShardRequest& request) {
  return ShardCompiler(request).Run();
}

}  // namespace gradus::plan
