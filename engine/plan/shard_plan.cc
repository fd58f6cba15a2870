// SPDX-License-Identifier: Apache-2.0
// Running a shard's kernels.
#include "engine/plan/shard_plan.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::plan {

void ShardPlan::Bind(std::byte* memory) {
  for (const Placed& placed : placed_) *placed.cell = memory + placed.offset;
}

void ShardPlan::BindRows(std::deque<Bound>& parts, const void* block, int64_t block_rows,
                         int64_t first_row) {
  for (Bound& part : parts) {
    const std::byte* at = static_cast<const std::byte*>(block) + part.bytes_before * block_rows +
                          part.row_bytes * first_row;
    // Kernels only read them; a cell's type has no const because most cells are written.
    part.pointer = const_cast<std::byte*>(at);
  }
}

void ShardPlan::SetBatch(const Batch& batch, uint64_t run_step) {
  const int64_t first = draw_.first_row - batch.first_held;
  BindRows(inputs_, batch.inputs, batch.held_rows(), first);
  BindRows(targets_, batch.targets, batch.held_rows(), first);
  row_weights_ = batch.weights == nullptr ? nullptr : const_cast<float*>(batch.weights + first);
  draw_.step = run_step;
}

double ShardPlan::loss_sum() const {
  double sum = 0;
  for (const WeightedSum& loss : loss_sums_) sum += loss.weight * *loss.sum;
  return std::accumulate(penalty_sums_.begin(), penalty_sums_.end(), sum);
}

absl::Status ShardPlan::Run() {
  for (const auto& kernel : kernels_) RETURN_IF_ERROR(kernel->Run());
  return absl::OkStatus();
}

absl::Status ShardPlan::Run(absl::FunctionRef<void(int stretch)> complete) {
  size_t next = 0;
  for (size_t i = 0; i <= kernels_.size(); ++i) {
    for (; next < marks_.size() && marks_[next].kernel == i; ++next) complete(marks_[next].stretch);
    if (i < kernels_.size()) RETURN_IF_ERROR(kernels_[i]->Run());
  }
  return absl::OkStatus();
}

void ShardPlan::SetStretches(std::span<const int> stretch_of) {
  std::map<int, size_t> last;
  for (const Whole& whole : whole_) {
    size_t& kernel = last[stretch_of[static_cast<size_t>(whole.parameter)]];
    kernel = std::max(kernel, whole.kernel);
  }
  marks_.clear();
  for (const auto& [stretch, kernel] : last) marks_.push_back({kernel, stretch});
  std::ranges::stable_sort(marks_, {}, &Mark::kernel);
}

std::string ShardPlan::Dump() const {
  std::string text;
  for (const auto& kernel : kernels_) absl::StrAppend(&text, "  ", kernel->Describe(), "\n");
  return text;
}

}  // namespace gradus::plan
