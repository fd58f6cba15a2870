// SPDX-License-Identifier: Apache-2.0
// Compiles a shard's kernels: which gradients are wanted, how long each tensor lives, where it
// lies.
#include "engine/plan/shard_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/plan/placement.h"
#include "engine/training/losses/kind.h"
#include "engine/training/metrics/kind.h"

namespace gradus::plan {
namespace {

// Vector kernels may read this far behind a tensor, though not use what they read.
constexpr size_t kReadPast = 64;
constexpr int kNobody = -1;

}  // namespace

// Moments: link i runs forward at i, the loss and the metrics at L, link i backward at 2 L - i, for
// L links.
class ShardCompiler {
 public:
  explicit ShardCompiler(const ShardRequest& request)
      : request_(request),
        links_(request.graph.links),
        values_(request.graph.value_floats.size()),
        plan_(new ShardPlan) {}

  absl::StatusOr<std::unique_ptr<ShardPlan>> Run() && {
    plan_->rows_ = request_.rows;
    FindWantedGradients();
    // Cells: input, targets, then at most value, gradient and two scratches each.
    plan_->cells_.assign(2 + 2 * values_ + 2 * links_.size(), nullptr);
    plan_->input_cell_ = NewCell();
    plan_->target_cell_ = NewCell();
    PlaceTensors();
    RETURN_IF_ERROR(AddForward());
    RETURN_IF_ERROR(AddLossAndMetrics());
    if (request_.training) RETURN_IF_ERROR(AddBackward());
    return std::move(plan_);
  }

 private:
  int end() const { return static_cast<int>(links_.size()); }
  int backward(int link) const { return 2 * end() - link; }

  bool Trains(const Link& link) const {
    return std::ranges::any_of(link.parameters, [&](int parameter) {
      return request_.parameters.gradient(request_.shard, parameter) != nullptr;
    });
  }

  // A value's gradient is wanted where something before it trains: not for the input, not inside a
  // frozen beginning.
  void FindWantedGradients() {
    wanted_.assign(values_, false);
    consumer_.assign(values_, kNobody);
    producer_.assign(values_, kNobody);
    for (int i = 0; i < end(); ++i) {
      const Link& link = links_[static_cast<size_t>(i)];
      producer_[static_cast<size_t>(link.dst)] = i;
      consumer_[static_cast<size_t>(link.src)] = i;
      wanted_[static_cast<size_t>(link.dst)] =
          request_.training && (Trains(link) || wanted_[static_cast<size_t>(link.src)]);
    }
  }

  size_t NewCell() { return next_cell_++; }
  kernels::Cell At(size_t cell) const { return &plan_->cells_[cell]; }

  size_t AddBlock(size_t bytes, int first, int last) {
    blocks_.push_back({bytes + kReadPast, first, last});
    block_cells_.push_back(NewCell());
    return block_cells_.back();
  }

  size_t Bytes(size_t value) const {
    return static_cast<size_t>(request_.rows * request_.graph.value_floats[value]) * sizeof(float);
  }

  // The last moment at which the value itself, not its gradient, is read.
  int LastRead(size_t value) const {
    const int consumer = consumer_[value];
    const int producer = producer_[value];
    int last =
        static_cast<int>(value) == request_.graph.output ? end() : std::max(consumer, producer);
    if (consumer != kNobody &&
        wanted_[static_cast<size_t>(links_[static_cast<size_t>(consumer)].dst)]) {
      const Link& link = links_[static_cast<size_t>(consumer)];
      if (link.operation->backward_reads_src(Trains(link)))
        last = std::max(last, backward(consumer));
    }
    if (producer != kNobody && wanted_[value] &&
        links_[static_cast<size_t>(producer)].operation->backward_reads_dst()) {
      last = std::max(last, backward(producer));
    }
    return last;
  }

  void PlaceTensors() {
    value_cells_.assign(values_, plan_->input_cell_);
    gradient_cells_.assign(values_, 0);
    for (size_t value = 1; value < values_; ++value) {
      value_cells_[value] = AddBlock(Bytes(value), producer_[value], LastRead(value));
      if (!wanted_[value]) continue;
      const int made =
          static_cast<int>(value) == request_.graph.output ? end() : backward(consumer_[value]);
      gradient_cells_[value] = AddBlock(Bytes(value), made, backward(producer_[value]));
    }
    for (int i = 0; i < end(); ++i) {
      const size_t bytes = request_.operations[static_cast<size_t>(i)]->scratch_bytes();
      forward_scratch_.push_back(bytes == 0 ? kNobody : static_cast<int>(AddBlock(bytes, i, i)));
      backward_scratch_.push_back(
          bytes == 0 || !request_.training
              ? kNobody
              : static_cast<int>(AddBlock(bytes, backward(i), backward(i))));
    }
    const Placement placement = Place(blocks_);
    for (size_t i = 0; i < blocks_.size(); ++i)
      plan_->placed_.push_back({block_cells_[i], placement.offsets[i]});
    plan_->bytes_ = placement.total;
  }

  kernels::Operands OperandsOf(int index, int scratch) const {
    const Link& link = links_[static_cast<size_t>(index)];
    const auto src = static_cast<size_t>(link.src);
    const auto dst = static_cast<size_t>(link.dst);
    kernels::Operands operands;
    operands.src = At(value_cells_[src]);
    operands.dst = At(value_cells_[dst]);
    if (wanted_[dst]) operands.diff_dst = At(gradient_cells_[dst]);
    if (wanted_[src]) operands.diff_src = At(gradient_cells_[src]);
    for (const int parameter : link.parameters) {
      operands.weights.push_back(request_.parameters.weight(parameter));
      operands.diff_weights.push_back(
          request_.training ? request_.parameters.gradient(request_.shard, parameter) : nullptr);
    }
    if (scratch != kNobody) operands.scratch = At(static_cast<size_t>(scratch));
    return operands;
  }

  void Append(std::vector<std::unique_ptr<kernels::Kernel>> kernels) {
    for (auto& kernel : kernels) plan_->kernels_.push_back(std::move(kernel));
  }

  absl::Status AddForward() {
    for (int i = 0; i < end(); ++i) {
      const auto at = static_cast<size_t>(i);
      ASSIGN_OR_RETURN(auto kernels,
                       request_.operations[at]->Forward(OperandsOf(i, forward_scratch_[at])));
      Append(std::move(kernels));
    }
    return absl::OkStatus();
  }

  absl::Status AddLossAndMetrics() {
    const auto output = static_cast<size_t>(request_.graph.output);
    const losses::LossKind& loss = *losses::Find(request_.setup.loss);
    losses::LossOperands operands;
    operands.predictions = At(value_cells_[output]);
    operands.targets = At(plan_->target_cell_);
    operands.sum = &plan_->loss_sum_;
    operands.rows = request_.rows;
    operands.width = request_.graph.value_floats[output];
    operands.scale = 1.0F / static_cast<float>(request_.batch_rows);
    operands.logits = request_.graph.logits;
    if (wanted_[output]) operands.diff = At(gradient_cells_[output]);
    for (size_t i = 0; i < request_.setup.metrics.size(); ++i) {
      const v1::Metric& metric = request_.setup.metrics[i];
      plan_->kernels_.push_back(
          metrics::Find(metric)->lower(metric, {.predictions = operands.predictions,
                                                .targets = operands.targets,
                                                .sum = &plan_->metric_sums_[i],
                                                .rows = operands.rows,
                                                .width = operands.width,
                                                .logits = operands.logits,
                                                .scoring = loss.scoring,
                                                .form = request_.target.form}));
    }
    ASSIGN_OR_RETURN(auto kernel, loss.lower(request_.setup.loss, operands));
    plan_->kernels_.push_back(std::move(kernel));
    return absl::OkStatus();
  }

  absl::Status AddBackward() {
    for (int i = end() - 1; i >= 0; --i) {
      const auto at = static_cast<size_t>(i);
      if (!wanted_[static_cast<size_t>(links_[at].dst)]) continue;
      ASSIGN_OR_RETURN(auto kernels,
                       request_.operations[at]->Backward(OperandsOf(i, backward_scratch_[at])));
      Append(std::move(kernels));
    }
    return absl::OkStatus();
  }

  const ShardRequest& request_;
  const std::vector<Link>& links_;
  const size_t values_;
  std::unique_ptr<ShardPlan> plan_;
  size_t next_cell_ = 0;
  std::vector<bool> wanted_;   // a value's gradient
  std::vector<int> consumer_;  // links, one a value
  std::vector<int> producer_;
  std::vector<Block> blocks_;
  std::vector<size_t> block_cells_;
  std::vector<size_t> value_cells_;
  std::vector<size_t> gradient_cells_;
  std::vector<int> forward_scratch_;  // cells, one a link
  std::vector<int> backward_scratch_;
};

absl::StatusOr<std::unique_ptr<ShardPlan>> ShardPlan::Compile(const ShardRequest& request) {
  return ShardCompiler(request).Run();
}

void ShardPlan::Bind(std::byte* memory) {
  for (const Placed& placed : placed_) cells_[placed.cell] = memory + placed.offset;
}

void ShardPlan::SetBatch(const float* inputs, const void* targets) {
  // Kernels only read them; a cell's type has no const because most cells are written.
  cells_[input_cell_] = const_cast<float*>(inputs);
  cells_[target_cell_] = const_cast<void*>(targets);
}

absl::Status ShardPlan::Run() {
  for (const auto& kernel : kernels_) RETURN_IF_ERROR(kernel->Run());
  return absl::OkStatus();
}

std::string ShardPlan::Dump() const {
  std::string text;
  for (const auto& kernel : kernels_) absl::StrAppend(&text, "  ", kernel->Describe(), "\n");
  return text;
}

}  // namespace gradus::plan
