// SPDX-License-Identifier: Apache-2.0
// Activations as operations of their own, and their backward kernels.
#include "engine/kernels/eltwise.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "engine/kernels/onednn.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {
namespace {

// Parts begin on whole cache lines.
constexpr size_t kGrain = 16;

class EltwiseForward final : public Kernel {
 public:
  EltwiseForward(const Eltwise& function, size_t count, int threads, Cell src, Cell dst)
      : function_(function),
        run_(Vector().*function.forward),
        count_(count),
        threads_(threads),
        src_(src),
        dst_(dst) {}

  absl::Status Run() override {
    const float* src = Floats(src_);
    float* dst = Floats(dst_);
    ParallelRanges(threads_, count_, kGrain, [&](size_t begin, size_t end) {
      if (src != dst) std::memcpy(dst + begin, src + begin, (end - begin) * sizeof(float));
      run_(dst + begin, end - begin);
    });
    return absl::OkStatus();
  }
  std::string Describe() const override {
    return absl::StrCat(function_.name, "_forward vector:", Vector().isa, " ", count_);
  }

 private:
  const Eltwise& function_;
  const UnaryFunction run_;
  const size_t count_;
  const int threads_;
  const Cell src_;
  const Cell dst_;
};

class EltwiseBackward final : public Kernel {
 public:
  EltwiseBackward(const Eltwise& function, size_t count, int threads, Cell y, Cell diff,
                  Cell diff_src)
      : function_(function),
        run_(Vector().*function.backward),
        count_(count),
        threads_(threads),
        y_(y),
        diff_(diff),
        diff_src_(diff_src) {}

  absl::Status Run() override {
    const float* y = Floats(y_);
    const float* diff = Floats(diff_);
    float* diff_src = Floats(diff_src_);
    ParallelRanges(threads_, count_, kGrain, [&](size_t begin, size_t end) {
      if (diff != diff_src)
        std::memcpy(diff_src + begin, diff + begin, (end - begin) * sizeof(float));
      run_(y + begin, diff_src + begin, end - begin);
    });
    return absl::OkStatus();
  }
  std::string Describe() const override {
    return absl::StrCat(function_.name, "_backward vector:", Vector().isa, " ", count_);
  }

 private:
  const Eltwise& function_;
  const UnaryBackwardFunction run_;
  const size_t count_;
  const int threads_;
  const Cell y_;
  const Cell diff_;
  const Cell diff_src_;
};

class CompiledEltwise final : public CompiledOperation {
 public:
  CompiledEltwise(const Eltwise& function, size_t count, int threads)
      : function_(function), count_(count), threads_(threads) {}

  absl::StatusOr<Kernels> Forward(const Operands& o) const override {
    Kernels kernels;
    kernels.push_back(
        std::make_unique<EltwiseForward>(function_, count_, threads_, o.src(), o.dst));
    return kernels;
  }
  absl::StatusOr<Kernels> Backward(const Operands& o) const override {
    Kernels kernels;
    if (o.diff_src() != nullptr)
      kernels.push_back(std::make_unique<EltwiseBackward>(function_, count_, threads_, o.dst,
                                                          o.diff_dst, o.diff_src()));
    return kernels;
  }

 private:
  const Eltwise& function_;
  const size_t count_;
  const int threads_;
};

class EltwiseOperation final : public Operation {
 public:
  EltwiseOperation(const Eltwise& function, int64_t values)
      : function_(function), values_(values) {}
  std::string name() const override { return absl::StrCat(function_.name, " ", values_); }
  int64_t dst_values() const override { return values_; }
  bool backward_reads_src(bool) const override { return false; }
  bool backward_reads_dst() const override { return true; }
  absl::StatusOr<std::unique_ptr<CompiledOperation>> Compile(const Setting& setting,
                                                             const Layouts&) const override {
    return std::make_unique<CompiledEltwise>(function_, static_cast<size_t>(values_ * setting.rows),
                                             setting.threads);
  }
  const Eltwise& function() const { return function_; }

 private:
  const Eltwise& function_;
  const int64_t values_;
};

}  // namespace

constinit const Eltwise kRelu = {.name = "relu",
                                 .onednn_algorithm = kOnednnRelu,
                                 .forward = &VectorFunctions::relu,
                                 .backward = &VectorFunctions::relu_backward};
constinit const Eltwise kSigmoid = {.name = "sigmoid",
                                    .onednn_algorithm = kOnednnLogistic,
                                    .forward = &VectorFunctions::sigmoid,
                                    .backward = &VectorFunctions::sigmoid_backward};
constinit const Eltwise kTanh = {.name = "tanh",
                                 .onednn_algorithm = kOnednnTanh,
                                 .forward = &VectorFunctions::tanh,
                                 .backward = &VectorFunctions::tanh_backward};

std::unique_ptr<const Operation> MakeEltwise(const Eltwise& function, int64_t values) {
  return std::make_unique<EltwiseOperation>(function, values);
}

const Eltwise* EltwiseOf(const Operation& operation) {
  const auto* eltwise = dynamic_cast<const EltwiseOperation*>(&operation);
  return eltwise == nullptr ? nullptr : &eltwise->function();
}

std::unique_ptr<Kernel> MakeEltwiseBackward(const Eltwise& function, int64_t count, int threads,
                                            Cell y, Cell diff) {
  return std::make_unique<EltwiseBackward>(function, static_cast<size_t>(count), threads, y, diff,
                                           diff);
}

}  // namespace gradus::kernels
