// SPDX-License-Identifier: Apache-2.0
// Reshape: which shapes fit, and that it costs nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/layers/layer_run.h"

namespace gradus::layers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::Layer Spec(const std::vector<int64_t>& shape) {
  v1::Layer spec;
  spec.mutable_reshape()->mutable_target_shape()->Assign(shape.begin(), shape.end());
  return spec;
}

TEST(Reshape, FillsInWhatIsLeft) {
  EXPECT_THAT(InferredShape(Spec({3, 4}), {{12}}), ElementsAre(3, 4));
  EXPECT_THAT(InferredShape(Spec({-1}), {{3, 4}}), ElementsAre(12));
  EXPECT_THAT(InferredShape(Spec({2, -1, 3}), {{3, 4}}), ElementsAre(2, 2, 3));
  EXPECT_TRUE(LayerRun(Spec({3, 4}), {{12}}).operation().is_view());
}

TEST(Reshape, RefusesShapesThatDoNotFit) {
  EXPECT_EQ(InferMessage(Spec({5, -1}), {{3, 4}}),
            "target_shape: (5, -1) is not a shape of the 12 values of an input of shape (3, 4)");
  EXPECT_EQ(InferMessage(Spec({6}), {{3, 4}}),
            "target_shape: (6) is not a shape of the 12 values of an input of shape (3, 4)");
  EXPECT_EQ(CheckMessage(Spec({})), "target_shape: 0 entries is not a shape of 1 to 6 entries");
  EXPECT_EQ(
      CheckMessage(Spec({-1, -1})),
      "target_shape[1]: -1 is not a number from 1 to 16777216, or -1 in one place for what is "
      "left");
  for (const int64_t wrong : {int64_t{0}, int64_t{-2}, INT64_MIN, INT64_MAX})
    EXPECT_THAT(CheckMessage(Spec({wrong})), HasSubstr("is not a number from 1 to 16777216"));
  EXPECT_THAT(CheckMessage(Spec(std::vector<int64_t>(6, int64_t{1} << 24))),
              HasSubstr("is too large"));
}

}  // namespace
}  // namespace gradus::layers
