// SPDX-License-Identifier: Apache-2.0
// The mean over a row's outputs, in numbers worked out by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_binary_crossentropy();
  return spec;
}

TEST(BinaryCrossentropy, IsTheMeanOverARowsOutputs) {
  const std::vector<float> y = {1, 0};
  const LossFigures found = CallLoss(Spec(), {0.5F, 0.75F}, y.data(), 1);
  EXPECT_DOUBLE_EQ(found.sum, (std::log(2.0) + std::log(4.0)) / 2);
  EXPECT_EQ(found.gradient, (std::vector<float>{-1, 2}));
}

TEST(BinaryCrossentropy, OfLogitsOfZeroIsTheLogarithmOfTwo) {
  const std::vector<float> y = {1, 0};
  const LossFigures found = CallLoss(Spec(), {0, 0}, y.data(), 1, true);
  EXPECT_NEAR(found.sum, std::log(2.0), 1e-6);
  EXPECT_EQ(found.gradient, (std::vector<float>{-0.25F, 0.25F}));
}

TEST(BinaryCrossentropy, WantsProbabilitiesForEveryOutput) {
  const std::vector<int64_t> image = {3, 4};
  const Target target = Find(Spec())->target(Spec(), image).value();
  EXPECT_EQ(target.form, TargetForm::kValues);
  EXPECT_EQ(target.width, 12);
  EXPECT_EQ(target.classes, 0);
  EXPECT_TRUE(target.probabilities);
  // A single output may be told by labels 0 and 1.
  const std::vector<int64_t> one = {1};
  EXPECT_EQ(Find(Spec())->target(Spec(), one)->classes, 2);
}

TEST(BinaryCrossentropy, MovesTargetsTowardsOneHalf) {
  v1::Loss spec = Spec();
  spec.mutable_binary_crossentropy()->set_label_smoothing(0.2);
  const float y = 1;
  EXPECT_NEAR(CallLoss(spec, {0.25F}, &y, 1).sum, -0.9 * std::log(0.25) - 0.1 * std::log(0.75),
              1e-6);
  EXPECT_NEAR(CallLoss(spec, {0}, &y, 1, true).gradient[0], -0.4, 1e-6);
}

}  // namespace
}  // namespace gradus::losses
