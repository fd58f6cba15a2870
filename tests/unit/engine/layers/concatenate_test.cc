// SPDX-License-Identifier: Apache-2.0
// Concatenate: which axes it takes, and how they are counted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/layers/layer_run.h"

namespace gradus::layers {
namespace {

using ::testing::ElementsAre;

v1::Layer Spec(int64_t axis) {
  v1::Layer spec;
  spec.mutable_concatenate()->set_axis(axis);
  return spec;
}

TEST(Concatenate, CountsAxesAsKerasDoes) {
  const std::vector<Shape> inputs = {{2, 3, 4}, {2, 5, 4}};
  EXPECT_THAT(InferredShape(Spec(2), inputs), ElementsAre(2, 8, 4));
  EXPECT_THAT(InferredShape(Spec(-2), inputs), ElementsAre(2, 8, 4));
  v1::Layer last;
  last.mutable_concatenate();
  EXPECT_THAT(InferredShape(last, {{2, 3}, {2, 1}, {2, 4}}), ElementsAre(2, 8));
  const std::string allowed =
      " is not an axis of an input with 3 axes: 1 to 3, or -3 to -1 from the end; 0 is the batch";
  for (const int64_t axis : {int64_t{0}, int64_t{4}, int64_t{-4}, INT64_MIN, INT64_MAX})
    EXPECT_EQ(InferMessage(Spec(axis), inputs), "axis: " + std::to_string(axis) + allowed);
}

TEST(Concatenate, WantsTheOtherAxesToBeEqual) {
  EXPECT_EQ(InferMessage(Spec(1), {{2, 3}, {2, 4}}),
            "inputs of shapes (2, 3) and (2, 4) differ beside axis 1");
  EXPECT_EQ(InferMessage(Spec(-1), {{2, 3}, {2}}),
            "inputs of shapes (2, 3) and (2) differ beside axis 2");
}

TEST(Concatenate, PutsRowsOfMatricesTogether) {
  EXPECT_THAT(LayerRun(Spec(2), {{2, 1}, {2, 2}}).In({}).Forward({{1, 2}, {3, 4, 5, 6}}),
              ElementsAre(1, 3, 4, 2, 5, 6));
  EXPECT_THAT(LayerRun(Spec(1), {{1, 2}, {2, 2}}).In({}).Forward({{1, 2}, {3, 4, 5, 6}}),
              ElementsAre(1, 2, 3, 4, 5, 6));
}

}  // namespace
}  // namespace gradus::layers
