// SPDX-License-Identifier: Apache-2.0
// The operation that does nothing: a tensor under another shape.
#include "absl/strings/str_cat.h"
#include "engine/kernels/operation.h"

namespace gradus::kernels {
namespace {

class CompiledView final : public CompiledOperation {
 public:
  absl::StatusOr<Kernels> Forward(const Operands&) const override { return Kernels{}; }
  absl::StatusOr<Kernels> Backward(const Operands&) const override { return Kernels{}; }
};

class View final : public Operation {
 public:
  explicit View(int64_t values) : values_(values) {}
  std::string name() const override { return absl::StrCat("view ", values_); }
  int64_t dst_values() const override { return values_; }
  bool is_view() const override { return true; }
  bool backward_reads_src(bool) const override { return false; }
  bool backward_reads_dst() const override { return false; }
  absl::StatusOr<std::unique_ptr<CompiledOperation>> Compile(const Setting&,
                                                             const Layouts&) const override {
    return std::make_unique<CompiledView>();
  }

 private:
  const int64_t values_;
};

}  // namespace

std::unique_ptr<const Operation> MakeView(int64_t values) { return std::make_unique<View>(values); }

}  // namespace gradus::kernels
