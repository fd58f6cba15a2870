// SPDX-License-Identifier: Apache-2.0
// Permute: which orders it takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/layers/layer_run.h"

namespace gradus::layers {
namespace {

using ::testing::ElementsAre;

v1::Layer Spec(const std::vector<int64_t>& dims) {
  v1::Layer spec;
  spec.mutable_permute()->mutable_dims()->Assign(dims.begin(), dims.end());
  return spec;
}

TEST(Permute, TakesAnOrderOfTheInputsAxes) {
  EXPECT_THAT(InferredShape(Spec({3, 1, 2}), {{2, 3, 5}}), ElementsAre(5, 2, 3));
  const std::string allowed = " is not an order of the input's axes: each of 1, 2, ... once";
  EXPECT_EQ(CheckMessage(Spec({})), "dims: ()" + allowed);
  EXPECT_EQ(CheckMessage(Spec({0, 1})), "dims: (0, 1)" + allowed);
  EXPECT_EQ(CheckMessage(Spec({1, 1})), "dims: (1, 1)" + allowed);
  EXPECT_EQ(CheckMessage(Spec({1, 3})), "dims: (1, 3)" + allowed);
  EXPECT_EQ(InferMessage(Spec({2, 1}), {{2, 3, 5}}),
            "dims: (2, 1) is not an order of the 3 axes of an input of shape (2, 3, 5)");
}

TEST(Permute, TurnsAMatrixAndIsAViewWhereNothingMoves) {
  EXPECT_THAT(LayerRun(Spec({2, 1}), {{2, 3}}).In({}).Forward({{1, 2, 3, 4, 5, 6}}),
              ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_TRUE(LayerRun(Spec({1, 2}), {{2, 3}}).operation().is_view());
}

}  // namespace
}  // namespace gradus::layers
