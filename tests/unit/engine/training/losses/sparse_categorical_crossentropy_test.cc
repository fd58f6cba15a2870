// SPDX-License-Identifier: Apache-2.0
// -log p[label], in numbers worked out by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_sparse_categorical_crossentropy();
  return spec;
}

TEST(SparseCategoricalCrossentropy, IsTheLogarithmOfTheLabelsProbability) {
  const std::vector<int32_t> labels = {1, 0};
  const LossFigures found =
      CallLoss(Spec(), {0.25F, 0.5F, 0.25F, 0.125F, 0.5F, 0.375F}, labels.data(), 2);
  EXPECT_DOUBLE_EQ(found.sum, std::log(2.0) + std::log(8.0));
  EXPECT_EQ(found.gradient, (std::vector<float>{0, -2, 0, -8, 0, 0}));
}

TEST(SparseCategoricalCrossentropy, OfEqualLogitsIsTheLogarithmOfTheClasses) {
  const int32_t label = 3;
  const LossFigures found = CallLoss(Spec(), {7, 7, 7, 7}, &label, 1, true);
  EXPECT_NEAR(found.sum, std::log(4.0), 1e-6);
  EXPECT_EQ(found.gradient, (std::vector<float>{0.25F, 0.25F, 0.25F, -0.75F}));
}

TEST(SparseCategoricalCrossentropy, OfALabelThatIsNoClassIsNoNumber) {
  for (const bool logits : {false, true}) {
    for (const int32_t label : {-1, 3}) {
      EXPECT_TRUE(std::isnan(CallLoss(Spec(), {0.2F, 0.3F, 0.5F}, &label, 1, logits).sum));
    }
  }
}

TEST(SparseCategoricalCrossentropy, CutsProbabilitiesWhereNoGradientIsLeft) {
  const int32_t label = 0;
  const LossFigures found = CallLoss(Spec(), {0, 1}, &label, 1);
  EXPECT_DOUBLE_EQ(found.sum, -std::log(1e-7));
  EXPECT_EQ(found.gradient, (std::vector<float>{0, 0}));
}

TEST(SparseCategoricalCrossentropy, WantsClassNumbersForAVector) {
  const std::vector<int64_t> shape = {5};
  const Target target = Find(Spec())->target(Spec(), shape).value();
  EXPECT_EQ(target.form, TargetForm::kClass);
  EXPECT_EQ(target.width, 1);
  EXPECT_EQ(target.classes, 5);
  const std::vector<int64_t> image = {5, 5};
  EXPECT_FALSE(Find(Spec())->target(Spec(), image).ok());
}

}  // namespace
}  // namespace gradus::losses
