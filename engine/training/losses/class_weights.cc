// SPDX-License-Identifier: Apache-2.0
// Runs a loss's kernel for one row after the other.
#include "engine/training/losses/class_weights.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::losses {
namespace {

int64_t ClassesOf(const Target& target) {
  return target.form == TargetForm::kClass ? target.classes : target.width;
}

class WeightedKernel final : public kernels::Kernel {
 public:
  WeightedKernel(const LossOperands& all, const Target& target, std::vector<double> weights)
      : all_(all), target_(target), weights_(std::move(weights)) {}

  // The loss's own kernel for a row.
  absl::Status Compile(const v1::Loss& spec) {
    LossOperands one = all_;
    one.predictions = &prediction_row_;
    one.targets = &target_row_;
    one.diff = all_.diff == nullptr ? nullptr : &diff_row_;
    one.sum = &row_sum_;
    one.rows = 1;
    ASSIGN_OR_RETURN(row_, Find(spec)->lower(spec, one));
    return absl::OkStatus();
  }

  absl::Status Run() override {
    float* predictions = kernels::Floats(all_.predictions);
    float* diff = all_.diff == nullptr ? nullptr : kernels::Floats(all_.diff);
    double sum = 0;
    for (int64_t row = 0; row < all_.rows; ++row) {
      prediction_row_ = predictions + row * all_.width;
      diff_row_ = diff == nullptr ? nullptr : diff + row * all_.width;
      const double weight = SetTarget(row);
      RETURN_IF_ERROR(row_->Run());
      sum += weight * row_sum_;
      for (int64_t i = 0; diff != nullptr && i < all_.width; ++i)
        diff[row * all_.width + i] *= static_cast<float>(weight);
    }
    *all_.sum = sum;
    return absl::OkStatus();
  }

  std::string Describe() const override {
    return absl::StrCat("class_weights of ", all_.rows, " rows of ", row_->Describe());
  }

 private:
  // The weight of the row's class; 1 for what is none, which the loss makes no number.
  double SetTarget(int64_t row) {
    int64_t at = 0;
    if (target_.form == TargetForm::kClass) {
      auto* label = static_cast<int32_t*>(*all_.targets) + row;
      target_row_ = label;
      at = *label;
    } else {
      auto* values = static_cast<float*>(*all_.targets) + row * target_.width;
      target_row_ = values;
      at = std::max_element(values, values + target_.width) - values;
    }
    return at < 0 || at >= static_cast<int64_t>(weights_.size())
               ? 1
               : weights_[static_cast<size_t>(at)];
  }

  const LossOperands all_;
  const Target target_;
  const std::vector<double> weights_;  // one a class
  void* prediction_row_ = nullptr;
  void* target_row_ = nullptr;
  void* diff_row_ = nullptr;
  double row_sum_ = 0;
  std::unique_ptr<kernels::Kernel> row_;
};

}  // namespace

absl::Status Check(const ClassWeights& weights, const LossKind& loss, const Target& target) {
  const std::map<int64_t, double> sorted(weights.begin(), weights.end());
  for (const auto& [number, weight] : sorted) {
    const std::string path = absl::StrCat("[", number, "]");
    if (target.form == TargetForm::kValues) {
      return base::FieldError(
          absl::StatusCode::kInvalidArgument, path,
          absl::StrCat("does not fit ", Word(loss), ", whose targets are no classes"));
    }
    if (number < 0 || number >= ClassesOf(target)) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                              absl::StrCat("is no class, which are 0 to ", ClassesOf(target) - 1));
    }
    if (!std::isfinite(weight) || weight < 0)
      return base::InvalidArgument(path, absl::StrCat(weight), "a finite number, 0 or more");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<kernels::Kernel>> LowerWeighted(const v1::Loss& spec,
                                                               const ClassWeights& weights,
                                                               const Target& target,
                                                               const LossOperands& operands) {
  std::vector<double> by_class(static_cast<size_t>(ClassesOf(target)), 1.0);
  for (const auto& [number, weight] : weights) by_class[static_cast<size_t>(number)] = weight;
  auto kernel = std::make_unique<WeightedKernel>(operands, target, std::move(by_class));
  RETURN_IF_ERROR(kernel->Compile(spec));
  return kernel;
}

}  // namespace gradus::losses
