// SPDX-License-Identifier: Apache-2.0
// What is right already counts little.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_focal();
  return spec;
}

TEST(Focal, WithoutModulationAndBalanceIsHalfTheCrossEntropy) {
  v1::Loss spec = Spec();
  spec.mutable_focal()->set_gamma(0);
  spec.mutable_focal()->set_alpha(0.5);
  const std::vector<float> y = {1, 0};
  const LossFigures found = CallLoss(spec, {0.5F, 0.75F}, y.data(), 1);
  EXPECT_NEAR(found.sum, (std::log(2.0) + std::log(4.0)) / 4, 1e-9);
  EXPECT_NEAR(found.gradient[0], -0.5, 1e-6);
  EXPECT_NEAR(found.gradient[1], 1, 1e-6);
}

TEST(Focal, CountsAsThePaperSays) {
  const std::vector<float> y = {1, 0};
  const LossFigures found = CallLoss(Spec(), {0.9F, 0.9F}, y.data(), 2);
  const double p = static_cast<double>(0.9F);
  EXPECT_NEAR(found.sum,
              -0.25 * std::pow(1 - p, 2) * std::log(p) - 0.75 * std::pow(p, 2) * std::log(1 - p),
              1e-9);
}

TEST(Focal, RefusesNumbersThatMakeNoSense) {
  v1::Loss spec = Spec();
  spec.mutable_focal()->set_alpha(1.5);
  EXPECT_EQ(Check(spec).message(), "focal.alpha: 1.5 is not a number from 0 to 1");
  spec = Spec();
  spec.mutable_focal()->set_gamma(-1);
  EXPECT_EQ(Check(spec).message(), "focal.gamma: -1 is not a finite number, 0 or more");
}

}  // namespace
}  // namespace gradus::losses
