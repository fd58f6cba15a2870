// SPDX-License-Identifier: Apache-2.0
// The square of what is missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_squared_hinge();
  return spec;
}

TEST(SquaredHinge, IsTheSquareOfWhatIsMissingToOne) {
  const std::vector<float> y = {1, 0, 1};
  const LossFigures found = CallLoss(Spec(), {0.5F, 0.5F, 2}, y.data(), 3);
  EXPECT_DOUBLE_EQ(found.sum, 0.25 + 2.25);
  EXPECT_EQ(found.gradient, (std::vector<float>{-1, 3, 0}));
}

}  // namespace
}  // namespace gradus::losses
