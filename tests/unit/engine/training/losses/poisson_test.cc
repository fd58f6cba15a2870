// SPDX-License-Identifier: Apache-2.0
// Rates above nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_poisson();
  return spec;
}

TEST(Poisson, IsLeastWhereTheRateIsTheTarget) {
  const float y = 3;
  EXPECT_NEAR(CallLoss(Spec(), {3}, &y, 1).gradient[0], 0, 1e-6);
  EXPECT_NEAR(CallLoss(Spec(), {3}, &y, 1).sum, 3 - 3 * std::log(3.0), 1e-6);
}

TEST(Poisson, OfARateBelowNothingIsNoNumber) {
  const float y = 3;
  EXPECT_TRUE(std::isnan(CallLoss(Spec(), {-1}, &y, 1).sum));
}

TEST(Poisson, OfARateOfNothingIsFinite) {
  const float y = 1;
  const LossFigures found = CallLoss(Spec(), {0}, &y, 1);
  EXPECT_DOUBLE_EQ(found.sum, -std::log(1e-7));
  EXPECT_TRUE(std::isfinite(found.gradient[0]));
}

}  // namespace
}  // namespace gradus::losses
