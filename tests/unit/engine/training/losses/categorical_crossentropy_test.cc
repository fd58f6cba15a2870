// SPDX-License-Identifier: Apache-2.0
// -sum_i y_i log p_i, in numbers worked out by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_categorical_crossentropy();
  return spec;
}

TEST(CategoricalCrossentropy, WeighsLogarithmsByTheTarget) {
  const std::vector<float> y = {0.5F, 0.5F, 0};
  const LossFigures found = CallLoss(Spec(), {0.25F, 0.5F, 0.25F}, y.data(), 1);
  EXPECT_DOUBLE_EQ(found.sum, 0.5 * std::log(4.0) + 0.5 * std::log(2.0));
  EXPECT_EQ(found.gradient, (std::vector<float>{-2, -1, 0}));
}

TEST(CategoricalCrossentropy, OfEqualLogitsIsTheLogarithmOfTheClasses) {
  const std::vector<float> y = {0.25F, 0.75F};
  const LossFigures found = CallLoss(Spec(), {-3, -3}, y.data(), 1, true);
  EXPECT_NEAR(found.sum, std::log(2.0), 1e-6);
  EXPECT_EQ(found.gradient, (std::vector<float>{0.25F, -0.25F}));
}

TEST(CategoricalCrossentropy, WantsADistributionForAVector) {
  const std::vector<int64_t> shape = {5};
  const Target target = Find(Spec())->target(Spec(), shape).value();
  EXPECT_EQ(target.form, TargetForm::kDistribution);
  EXPECT_EQ(target.width, 5);
  EXPECT_EQ(target.classes, 5);
}

TEST(CategoricalCrossentropy, SpreadsAShareOfTheTargetOverTheClasses) {
  v1::Loss spec;
  spec.mutable_categorical_crossentropy()->set_label_smoothing(0.2);
  const std::vector<float> y = {1, 0};
  const LossFigures found = CallLoss(spec, {0.5F, 0.25F}, y.data(), 1);
  EXPECT_NEAR(found.sum, 0.9 * std::log(2.0) + 0.1 * std::log(4.0), 1e-6);
  EXPECT_NEAR(CallLoss(spec, {0, 0}, y.data(), 1, true).gradient[0], -0.4, 1e-6);
  spec.mutable_categorical_crossentropy()->set_label_smoothing(1.5);
  EXPECT_EQ(Check(spec).message(),
            "categorical_crossentropy.label_smoothing: 1.5 is not a number from 0 to 1");
}

}  // namespace
}  // namespace gradus::losses
