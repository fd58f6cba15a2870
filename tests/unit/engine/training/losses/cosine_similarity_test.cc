// SPDX-License-Identifier: Apache-2.0
// Angles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_cosine_similarity();
  return spec;
}

TEST(CosineSimilarity, IsMinusTheCosineOfEachRowsAngle) {
  const std::vector<float> y = {2, 0, 0, 3, -1, 0};
  const LossFigures found = CallLoss(Spec(), {5, 0, 4, 4, 7, 0}, y.data(), 3);
  EXPECT_NEAR(found.sum, -1 - std::sqrt(0.5) + 1, 1e-12);
  // Along the output nothing changes.
  EXPECT_NEAR(4 * found.gradient[2] + 4 * found.gradient[3], 0, 1e-6);
}

TEST(CosineSimilarity, OfNothingIsNothing) {
  const std::vector<float> y = {1, 1};
  const LossFigures found = CallLoss(Spec(), {0, 0}, y.data(), 1);
  EXPECT_EQ(found.sum, 0);
  for (const float value : found.gradient) EXPECT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace gradus::losses
