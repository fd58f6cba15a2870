// SPDX-License-Identifier: Apache-2.0
// The mean over a row of distances.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_mean_absolute_error();
  return spec;
}

TEST(MeanAbsoluteError, IsTheMeanOverARowsOutputs) {
  const std::vector<float> y = {1, 1, 0, 0};
  const LossFigures found = CallLoss(Spec(), {3, 1, -1, 0.5F}, y.data(), 2);
  EXPECT_EQ(found.sum, 2.0 / 2 + 1.5 / 2);
  EXPECT_EQ(found.gradient, (std::vector<float>{0.5F, 0, -0.5F, 0.5F}));
}

TEST(MeanAbsoluteError, OfNoNumberIsNone) {
  const float y = 1;
  const LossFigures found = CallLoss(Spec(), {std::numeric_limits<float>::quiet_NaN()}, &y, 1);
  EXPECT_TRUE(std::isnan(found.sum));
  EXPECT_TRUE(std::isnan(found.gradient[0]));
}

}  // namespace
}  // namespace gradus::losses
