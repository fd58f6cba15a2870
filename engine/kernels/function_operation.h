// SPDX-License-Identifier: Apache-2.0
// Operations out of facts and function objects, for those with one way to compute them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/kernels/function_kernel.h"
#include "engine/kernels/operation.h"

namespace gradus::kernels {

// When backward reads the sources again.
enum class ReadsSrc { kNever, kForWeights, kAlways };

struct OperationFacts {
  std::string name;
  // Values in one row of the result.
  int64_t dst_values = 0;
  ReadsSrc reads_src = ReadsSrc::kNever;
  bool reads_dst = false;
};

// What compiling gives; see CompiledOperation.
struct CompiledParts {
  Layouts layouts;
  size_t scratch_bytes = 0;
  size_t workspace_bytes = 0;
  std::function<absl::StatusOr<Kernels>(const Operands& operands)> forward;
  std::function<absl::StatusOr<Kernels>(const Operands& operands)> backward;
};

using CompileFunction =
    std::function<absl::StatusOr<CompiledParts>(const Setting& setting, const Layouts& layouts)>;

// An operation without candidates. `compile` must be callable from any thread.
std::unique_ptr<const Operation> MakeOperation(OperationFacts facts, CompileFunction compile);

// A list of one.
template <typename Function>
Kernels OneKernel(std::string description, Function function) {
  Kernels kernels;
  kernels.push_back(MakeKernel(std::move(description), std::move(function)));
  return kernels;
}

}  // namespace gradus::kernels
