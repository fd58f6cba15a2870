// SPDX-License-Identifier: Apache-2.0
// Squares of logarithms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_mean_squared_logarithmic_error();
  return spec;
}

TEST(MeanSquaredLogarithmicError, ComparesLogarithmsOfOneMore) {
  const std::vector<float> y = {0, 3};
  const LossFigures found = CallLoss(Spec(), {1, 3}, y.data(), 1);
  EXPECT_NEAR(found.sum, std::log(2.0) * std::log(2.0) / 2, 1e-6);
  EXPECT_NEAR(found.gradient[0], std::log(2.0) / 2, 1e-6);
  EXPECT_EQ(found.gradient[1], 0);
}

TEST(MeanSquaredLogarithmicError, TakesWhatIsBelowZeroForNothing) {
  const float y = -5;
  const LossFigures found = CallLoss(Spec(), {-3}, &y, 1);
  EXPECT_EQ(found.sum, 0);
  EXPECT_EQ(found.gradient[0], 0);
}

}  // namespace
}  // namespace gradus::losses
