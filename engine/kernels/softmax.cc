// SPDX-License-Identifier: Apache-2.0
// Softmax forward and backward; the gradient follows from the result.
#include "engine/kernels/softmax.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "engine/kernels/vector/functions.h"

namespace gradus::kernels {
namespace {

class SoftmaxForward final : public Kernel {
 public:
  SoftmaxForward(int64_t rows, int64_t width, Cell src, Cell dst)
      : rows_(rows), width_(width), src_(src), dst_(dst) {}
  absl::Status Run() override {
    Vector().softmax(Floats(src_), Floats(dst_), rows_, width_);
    return absl::OkStatus();
  }
  std::string Describe() const override {
    return absl::StrCat("softmax_forward vector:", Vector().isa, " ", rows_, "x", width_);
  }

 private:
  const int64_t rows_;
  const int64_t width_;
  const Cell src_;
  const Cell dst_;
};

class SoftmaxBackward final : public Kernel {
 public:
  SoftmaxBackward(int64_t rows, int64_t width, Cell dst, Cell diff_dst, Cell diff_src)
      : rows_(rows), width_(width), dst_(dst), diff_dst_(diff_dst), diff_src_(diff_src) {}
  absl::Status Run() override {
    std::memmove(Floats(diff_src_), Floats(diff_dst_),
                 static_cast<size_t>(rows_ * width_) * sizeof(float));
    Vector().softmax_backward(Floats(dst_), Floats(diff_src_), rows_, width_);
    return absl::OkStatus();
  }
  std::string Describe() const override {
    return absl::StrCat("softmax_backward vector:", Vector().isa, " ", rows_, "x", width_);
  }

 private:
  const int64_t rows_;
  const int64_t width_;
  const Cell dst_;
  const Cell diff_dst_;
  const Cell diff_src_;
};

class CompiledSoftmax final : public CompiledOperation {
 public:
  CompiledSoftmax(int64_t rows, int64_t width) : rows_(rows), width_(width) {}
  absl::StatusOr<Kernels> Forward(const Operands& o) const override {
    Kernels kernels;
    kernels.push_back(std::make_unique<SoftmaxForward>(rows_, width_, o.src(), o.dst));
    return kernels;
  }
  absl::StatusOr<Kernels> Backward(const Operands& o) const override {
    Kernels kernels;
    if (o.diff_src() != nullptr)
      kernels.push_back(
          std::make_unique<SoftmaxBackward>(rows_, width_, o.dst, o.diff_dst, o.diff_src()));
    return kernels;
  }

 private:
  const int64_t rows_;
  const int64_t width_;
};

class SoftmaxOperation final : public Operation {
 public:
  SoftmaxOperation(int64_t values, int64_t width) : values_(values), width_(width) {}
  std::string name() const override { return absl::StrCat("softmax ", width_); }
  int64_t dst_values() const override { return values_; }
  bool backward_reads_src(bool) const override { return false; }
  bool backward_reads_dst() const override { return true; }
  absl::StatusOr<std::unique_ptr<CompiledOperation>> Compile(const Setting& setting,
                                                             const Layouts&) const override {
    return std::make_unique<CompiledSoftmax>(setting.rows * (values_ / width_), width_);
  }

 private:
  const int64_t values_;
  const int64_t width_;
};

}  // namespace

std::unique_ptr<const Operation> MakeSoftmax(int64_t values, int64_t width) {
  return std::make_unique<SoftmaxOperation>(values, width);
}

}  // namespace gradus::kernels
