// SPDX-License-Identifier: Apache-2.0
// Running a shard's kernels.
#include "engine/plan/shard_plan.h"

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::plan {

void ShardPlan::Bind(std::byte* memory) {
  for (const Placed& placed : placed_) *placed.cell = memory + placed.offset;
}

void ShardPlan::SetBatch(const float* inputs, const void* targets, uint64_t run_step) {
  // Kernels only read them; a cell's type has no const because most cells are written.
  input_ = const_cast<float*>(inputs);
  target_ = const_cast<void*>(targets);
  draw_.step = run_step;
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
