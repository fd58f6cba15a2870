// SPDX-License-Identifier: Apache-2.0
// A loss that nothing makes overflow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_log_cosh();
  return spec;
}

TEST(LogCosh, IsHalfASquareNearTheTarget) {
  const float y = 2;
  EXPECT_NEAR(CallLoss(Spec(), {2.01F}, &y, 1).sum, 0.01 * 0.01 / 2, 1e-8);
}

TEST(LogCosh, IsAlmostTheDistanceFarAway) {
  const std::vector<float> y = {0, 0};
  const LossFigures found = CallLoss(Spec(), {1e30F, -1e4F}, y.data(), 2);
  EXPECT_DOUBLE_EQ(found.sum, static_cast<double>(1e30F) + 1e4 - 2 * std::log(2.0));
  EXPECT_EQ(found.gradient, (std::vector<float>{1, -1}));
}

}  // namespace
}  // namespace gradus::losses
