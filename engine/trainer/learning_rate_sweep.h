// SPDX-License-Identifier: Apache-2.0
// Learning rates from small to large, what becomes of the loss at each, and which one to take.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gradus/v1/training.pb.h"

namespace gradus::trainer {

// A learning rate range test.
//   Threads  one.
//   Source   Smith 2017, Cyclical learning rates, sec. 3.3; the suggestion is where the smoothed loss
//            falls fastest by the logarithm of the rate.
class LearningRateSweep {
 public:
  // Every default is filled in.
  explicit LearningRateSweep(const v1::LearningRateFinder& spec) : spec_(spec) {}

  // Nothing is left to try: all rates are through, or the loss has gone.
  bool done() const { return done_; }
  double rate() const { return RateOf(rates_.size()); }
  // The loss at rate(); REQUIRES: not done.
  void Add(double loss);
  // Of the last one added.
  double smoothed() const { return smoothed_.back(); }
  // Nothing where the loss has not fallen.
  std::optional<double> Suggestion() const;

 private:
  double RateOf(size_t step) const;

  const v1::LearningRateFinder spec_;
  bool done_ = false;
  double average_ = 0;
  double weight_ = 0;  // of the losses in the average
  double least_ = 0;
  std::vector<double> rates_;
  std::vector<double> smoothed_;
};

}  // namespace gradus::trainer
