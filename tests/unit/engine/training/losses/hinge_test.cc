// SPDX-License-Identifier: Apache-2.0
// Targets of -1 and 1, or 0 and 1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_hinge();
  return spec;
}

TEST(Hinge, IsWhatIsMissingToOne) {
  const std::vector<float> y = {1, -1, 1};
  const LossFigures found = CallLoss(Spec(), {0.25F, 0.25F, 2}, y.data(), 3);
  EXPECT_DOUBLE_EQ(found.sum, 0.75 + 1.25);
  EXPECT_EQ(found.gradient, (std::vector<float>{-1, 1, 0}));
}

TEST(Hinge, TakesTargetsOfNothingForMinusOne) {
  const std::vector<float> zero = {0};
  const std::vector<float> minus = {-1};
  EXPECT_EQ(CallLoss(Spec(), {0.25F}, zero.data(), 1).sum,
            CallLoss(Spec(), {0.25F}, minus.data(), 1).sum);
}

}  // namespace
}  // namespace gradus::losses
