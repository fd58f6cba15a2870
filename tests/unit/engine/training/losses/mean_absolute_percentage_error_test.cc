// SPDX-License-Identifier: Apache-2.0
// Distances in hundredths of the target.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_mean_absolute_percentage_error();
  return spec;
}

TEST(MeanAbsolutePercentageError, CountsHundredthsOfTheTarget) {
  const std::vector<float> y = {4, -2};
  const LossFigures found = CallLoss(Spec(), {5, -1}, y.data(), 1);
  EXPECT_DOUBLE_EQ(found.sum, (25 + 50) / 2.0);
  EXPECT_EQ(found.gradient, (std::vector<float>{12.5F, 25}));
}

TEST(MeanAbsolutePercentageError, OfATargetOfNothingIsFinite) {
  const float y = 0;
  const LossFigures found = CallLoss(Spec(), {1}, &y, 1);
  EXPECT_DOUBLE_EQ(found.sum, 100 / 1e-7);
  EXPECT_EQ(found.gradient[0], 1e9F);
}

}  // namespace
}  // namespace gradus::losses
