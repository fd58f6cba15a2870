// SPDX-License-Identifier: Apache-2.0
// A parabola between two straight lines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_huber();
  return spec;
}

TEST(Huber, IsASquareUpToDeltaAndALineBeyond) {
  const std::vector<float> y = {0, 0, 0};
  const LossFigures found = CallLoss(Spec(), {0.5F, 1, -3}, y.data(), 3);
  EXPECT_DOUBLE_EQ(found.sum, 0.125 + 0.5 + 2.5);
  EXPECT_EQ(found.gradient, (std::vector<float>{0.5F, 1, -1}));
}

TEST(Huber, WantsADeltaAboveZero) {
  v1::Loss spec = Spec();
  for (const double wrong : {0.0, -1.0, std::numeric_limits<double>::infinity(), std::nan("")}) {
    spec.mutable_huber()->set_delta(wrong);
    EXPECT_THAT(std::string(Check(spec).message()),
                testing::AllOf(testing::StartsWith("huber.delta: "),
                               testing::EndsWith(" is not a finite number above 0")));
  }
}

}  // namespace
}  // namespace gradus::losses
