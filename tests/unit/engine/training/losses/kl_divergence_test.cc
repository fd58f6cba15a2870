// SPDX-License-Identifier: Apache-2.0
// How far a distribution is from another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_kl_divergence();
  return spec;
}

TEST(KlDivergence, OfADistributionFromItselfIsNothing) {
  const std::vector<float> y = {0.25F, 0.75F};
  EXPECT_EQ(CallLoss(Spec(), {0.25F, 0.75F}, y.data(), 1).sum, 0);
  const LossFigures logits = CallLoss(Spec(), {0, std::log(3.0F)}, y.data(), 1, true);
  EXPECT_NEAR(logits.sum, 0, 1e-6);
  EXPECT_NEAR(logits.gradient[0], 0, 1e-6);
}

TEST(KlDivergence, OfOneClassIsItsCrossEntropy) {
  const std::vector<float> y = {0, 1};
  EXPECT_NEAR(CallLoss(Spec(), {0.75F, 0.25F}, y.data(), 1).sum, std::log(4.0), 1e-5);
  EXPECT_NEAR(CallLoss(Spec(), {0, 0}, y.data(), 1, true).sum, std::log(2.0), 1e-6);
}

}  // namespace
}  // namespace gradus::losses
