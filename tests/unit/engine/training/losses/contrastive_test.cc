// SPDX-License-Identifier: Apache-2.0
// Distances of alike and unlike things.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_contrastive();
  return spec;
}

TEST(Contrastive, DrawsAlikeThingsTogetherAndPushesOthersApart) {
  const std::vector<float> y = {1, 0, 0};
  const LossFigures found = CallLoss(Spec(), {0.5F, 0.25F, 3}, y.data(), 3);
  EXPECT_DOUBLE_EQ(found.sum, 0.25 + 0.5625);
  EXPECT_EQ(found.gradient, (std::vector<float>{1, -1.5F, 0}));
}

TEST(Contrastive, WantsOneDistanceARow) {
  const std::vector<int64_t> two = {2};
  EXPECT_EQ(Find(Spec())->target(Spec(), two).status().message(),
            "the model's output of shape (2) is not one distance a row");
  const std::vector<int64_t> one = {1};
  EXPECT_EQ(Find(Spec())->target(Spec(), one)->classes, 2);
}

}  // namespace
}  // namespace gradus::losses
