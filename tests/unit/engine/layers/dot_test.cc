// SPDX-License-Identifier: Apache-2.0
// Dot: which axes it takes, and what is left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/layers/layer_run.h"

namespace gradus::layers {
namespace {

using ::testing::ElementsAre;

v1::Layer Spec(const std::vector<int64_t>& axes, bool normalize = false) {
  v1::Layer spec;
  spec.mutable_dot()->mutable_axes()->Assign(axes.begin(), axes.end());
  if (normalize) spec.mutable_dot()->set_normalize(true);
  return spec;
}

TEST(Dot, LeavesTheOtherAxes) {
  EXPECT_THAT(InferredShape(Spec({1}), {{4}, {4}}), ElementsAre(1));
  EXPECT_THAT(InferredShape(Spec({-1}), {{2, 4}, {3, 4}}), ElementsAre(2, 3));
  EXPECT_THAT(InferredShape(Spec({-1}), {{2, 4}, {4}}), ElementsAre(2));
  EXPECT_THAT(InferredShape(Spec({2, 1}), {{2, 4, 5}, {4, 3}}), ElementsAre(2, 5, 3));
}

TEST(Dot, RefusesAxesThatDoNotFit) {
  EXPECT_EQ(CheckMessage(Spec({})), "axes: 0 entries is not an axis, or one for each input");
  EXPECT_EQ(CheckMessage(Spec({1, 2, 3})), "axes: 3 entries is not an axis, or one for each input");
  EXPECT_EQ(InferMessage(Spec({1, 0}), {{4}, {4}}),
            "axes[1]: 0 is not an axis of an input with 1 axis: 1 to 1, or -1 to -1 from the end; "
            "0 is the batch");
  EXPECT_EQ(InferMessage(Spec({2}), {{2, 4}, {4}}),
            "axes[0]: 2 is not an axis of an input with 1 axis: 1 to 1, or -1 to -1 from the end; "
            "0 is the batch");
  EXPECT_EQ(InferMessage(Spec({1}), {{2, 4}, {3, 4}}),
            "axes: lengths of 2 and 3 is not axes of one length in inputs of shapes (2, 4) and (3, "
            "4)");
  EXPECT_EQ(InferMessage(Spec({1}), {{2, 1, 1, 1}, {2}}),
            "an input of shape (2, 1, 1, 1) has more than 3 axes");
}

TEST(Dot, MultipliesMatrices) {
  // [1 2; 3 4] * [5 6; 7 8].
  EXPECT_THAT(LayerRun(Spec({2, 1}), {{2, 2}, {2, 2}}).In({}).Forward({{1, 2, 3, 4}, {5, 6, 7, 8}}),
              ElementsAre(19, 22, 43, 50));
  EXPECT_THAT(LayerRun(Spec({1}, true), {{2}, {2}}).In({}).Forward({{3, 0}, {-2, 0}}),
              ElementsAre(-1));
}

}  // namespace
}  // namespace gradus::layers
