// SPDX-License-Identifier: Apache-2.0
// Anchor, positive and negative side by side.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/engine/training/losses/loss_call.h"

namespace gradus::losses {
namespace {

v1::Loss Spec() {
  v1::Loss spec;
  spec.mutable_triplet();
  return spec;
}

TEST(Triplet, WantsThePositiveNearerByTheMargin) {
  v1::Loss spec = Spec();
  spec.mutable_triplet()->set_margin(1);
  const float nothing = 0;
  // |a - p|^2 = 4 and |a - n|^2 = 1.
  const LossFigures found = CallLoss(spec, {1, 0, 3, 0, 1, 1}, &nothing, 1);
  EXPECT_DOUBLE_EQ(found.sum, 4);
  EXPECT_EQ(found.gradient, (std::vector<float>{-4, 2, 4, 0, 0, -2}));
}

TEST(Triplet, IsContentWithANegativeThatIsFarAway) {
  const float nothing = 0;
  const LossFigures found = CallLoss(Spec(), {0, 0.5F, 9}, &nothing, 1);
  EXPECT_EQ(found.sum, 0);
  EXPECT_EQ(found.gradient, (std::vector<float>{0, 0, 0}));
}

TEST(Triplet, WantsThreeVectorsAndComparesThemWithNothing) {
  const std::vector<int64_t> four = {4};
  EXPECT_EQ(Find(Spec())->target(Spec(), four).status().message(),
            "the model's output of shape (4) is not three vectors, anchor, positive and negative, "
            "one after another");
  const std::vector<int64_t> six = {6};
  const Target target = Find(Spec())->target(Spec(), six).value();
  EXPECT_EQ(target.width, 1);
  EXPECT_FALSE(target.compared);
}

}  // namespace
}  // namespace gradus::losses
