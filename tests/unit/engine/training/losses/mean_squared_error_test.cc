// SPDX-License-Identifier: Apache-2.0
// The mean over a row's outputs, in numbers worked out by hand.
#include <gtest/gtest.h>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_mean_squared_error();
  return spec;
}

TEST(MeanSquaredError, IsTheMeanOverARowsOutputs) {
  const std::vector<float> y = {1, 1, 0, 0};
  const LossFigures found = CallLoss(Spec(), {3, 1, -1, 0.5F}, y.data(), 2);
  EXPECT_EQ(found.sum, (4 + 0) / 2.0 + (1 + 0.25) / 2.0);
  EXPECT_EQ(found.gradient, (std::vector<float>{2, 0, -1, 0.5F}));
}

TEST(MeanSquaredError, WantsAnyNumbersForEveryOutput) {
  const std::vector<int64_t> image = {3, 4};
  const Target target = Find(Spec())->target(Spec(), image).value();
  EXPECT_EQ(target.form, TargetForm::kValues);
  EXPECT_EQ(target.width, 12);
  EXPECT_FALSE(target.probabilities);
}

}  // namespace
}  // namespace gradus::losses
