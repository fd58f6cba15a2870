// SPDX-License-Identifier: Apache-2.0
// A weighted batch is a loss of one row, run for each.
#include "engine/plan/loss_of_rows.h"

#include <utility>

#include "engine/base/status.h"

namespace gradus::plan {
namespace {

class LossKernel final : public kernels::Kernel {
 public:
  explicit LossKernel(const LossOfRows& loss)
      : operands_(loss.operands),
        row_weights_(loss.row_weights),
        target_bytes_(losses::RowBytes(loss.target)) {}

  absl::Status Compile(const LossOfRows& loss) {
    ASSIGN_OR_RETURN(all_, loss.kind.lower(loss.spec, operands_));
    losses::LossOperands one = operands_;
    one.rows = 1;
    one.predictions = &predictions_;
    one.targets = &targets_;
    if (one.diff != nullptr) one.diff = &diff_;
    one.sum = &sum_;
    ASSIGN_OR_RETURN(one_, loss.kind.lower(loss.spec, one));
    return absl::OkStatus();
  }

  absl::Status Run() override {
    const auto* weights = static_cast<const float*>(*row_weights_);
    return weights == nullptr ? all_->Run() : RunWeighted(weights);
  }

  std::string Describe() const override { return all_->Describe(); }

 private:
  absl::Status RunWeighted(const float* weights) {
    double sum = 0;
    for (int64_t row = 0; row < operands_.rows; ++row) {
      const int64_t first = row * operands_.width;
      predictions_ = kernels::Floats(operands_.predictions) + first;
      targets_ = static_cast<std::byte*>(*operands_.targets) + row * target_bytes_;
      float* diff = operands_.diff == nullptr ? nullptr : kernels::Floats(operands_.diff) + first;
      diff_ = diff;
      RETURN_IF_ERROR(one_->Run());
      // A row that counts nothing may hold anything.
      sum += weights[row] == 0 ? 0 : static_cast<double>(weights[row]) * sum_;
      for (int64_t i = 0; diff != nullptr && i < operands_.width; ++i)
        diff[i] = weights[row] == 0 ? 0 : weights[row] * diff[i];
    }
    *operands_.sum = sum;
    return absl::OkStatus();
  }

  const losses::LossOperands operands_;
  const kernels::Cell row_weights_;
  const int64_t target_bytes_;
  std::unique_ptr<kernels::Kernel> all_;
  std::unique_ptr<kernels::Kernel> one_;
  // The row that is looked at.
  void* predictions_ = nullptr;
  void* targets_ = nullptr;
  void* diff_ = nullptr;
  double sum_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<kernels::Kernel>> MakeLossOfRows(const LossOfRows& loss) {
  auto kernel = std::make_unique<LossKernel>(loss);
  RETURN_IF_ERROR(kernel->Compile(loss));
  return kernel;
}

}  // namespace gradus::plan
