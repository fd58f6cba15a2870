// SPDX-License-Identifier: Apache-2.0
// Operations out of facts and function objects.
#include "engine/kernels/function_operation.h"

#include <utility>

#include "engine/base/status.h"

namespace gradus::kernels {
namespace {

class CompiledFunctions final : public CompiledOperation {
 public:
  explicit CompiledFunctions(CompiledParts parts) : parts_(std::move(parts)) {}
  Layouts layouts() const override { return parts_.layouts; }
  size_t scratch_bytes() const override { return parts_.scratch_bytes; }
  size_t workspace_bytes() const override { return parts_.workspace_bytes; }
  absl::StatusOr<Kernels> Forward(const Operands& operands) const override {
    return parts_.forward(operands);
  }
  absl::StatusOr<Kernels> Backward(const Operands& operands) const override {
    return parts_.backward(operands);
  }

 private:
  const CompiledParts parts_;
};

class FunctionOperation final : public Operation {
 public:
  FunctionOperation(OperationFacts facts, CompileFunction compile)
      : facts_(std::move(facts)), compile_(std::move(compile)) {}
  std::string name() const override { return facts_.name; }
  int64_t dst_values() const override { return facts_.dst_values; }
  bool backward_reads_src(bool diff_weights) const override {
    return facts_.reads_src == ReadsSrc::kAlways ||
           (facts_.reads_src == ReadsSrc::kForWeights && diff_weights);
  }
  bool backward_reads_dst() const override { return facts_.reads_dst; }
  absl::StatusOr<std::unique_ptr<CompiledOperation>> Compile(
      const Setting& setting, const Layouts& layouts) const override {
    ASSIGN_OR_RETURN(CompiledParts parts, compile_(setting, layouts));
    return std::make_unique<CompiledFunctions>(std::move(parts));
  }

 private:
  const OperationFacts facts_;
  const CompileFunction compile_;
};

}  // namespace

std::unique_ptr<const Operation> MakeOperation(OperationFacts facts, CompileFunction compile) {
  return std::make_unique<FunctionOperation>(std::move(facts), std::move(compile));
}

}  // namespace gradus::kernels
