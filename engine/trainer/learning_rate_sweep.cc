// SPDX-License-Identifier: Apache-2.0
// A learning rate range test.
#include "engine/trainer/learning_rate_sweep.h"

#include <algorithm>
#include <cmath>

namespace gradus::trainer {
namespace {

// Of the moving average: about the last twenty steps count.
constexpr double kKeep = 0.95;
// Steps before which the average follows single batches too closely to be judged.
constexpr size_t kSettled = 5;

}  // namespace

double LearningRateSweep::RateOf(size_t step) const {
  const double share = static_cast<double>(step) / static_cast<double>(spec_.steps() - 1);
  return spec_.min_learning_rate() *
         std::pow(spec_.max_learning_rate() / spec_.min_learning_rate(), share);
}

void LearningRateSweep::Add(double loss) {
  rates_.push_back(rate());
  average_ = kKeep * average_ + (1 - kKeep) * loss;
  weight_ = kKeep * weight_ + (1 - kKeep);
  smoothed_.push_back(average_ / weight_);
  least_ = smoothed_.size() == 1 ? smoothed() : std::min(least_, smoothed());
  const bool gone = smoothed_.size() > kSettled && smoothed() > spec_.stop_factor() * least_;
  done_ = !std::isfinite(loss) || gone || static_cast<int64_t>(rates_.size()) >= spec_.steps();
}

std::optional<double> LearningRateSweep::Suggestion() const {
  const auto least = std::min_element(smoothed_.begin(), smoothed_.end());
  const auto end = static_cast<size_t>(least - smoothed_.begin());
  std::optional<double> suggestion;
  double steepest = 0;
  // Rates are equally far apart on the logarithm's scale.
  for (size_t i = kSettled; i + 1 <= end && i + 1 < smoothed_.size(); ++i) {
    const double slope = (smoothed_[i + 1] - smoothed_[i - 1]) / 2;
    if (slope >= steepest) continue;
    steepest = slope;
    suggestion = rates_[i];
  }
  return suggestion;
}

}  // namespace gradus::trainer
