// SPDX-License-Identifier: Apache-2.0
// RandomRotation: which way it turns.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/layers/layer_run.h"

namespace gradus::layers {
namespace {

using test_support::Values;
using ::testing::FloatNear;
using ::testing::Pointwise;

v1::Layer Spec(double low, double high) {
  v1::Layer spec;
  spec.mutable_random_rotation()->add_factor(low);
  spec.mutable_random_rotation()->add_factor(high);
  return spec;
}

Values Turned(double turns) {
  return LayerRun(Spec(turns, turns), {{3, 3, 1}}).In({}).Forward({{1, 2, 3, 4, 5, 6, 7, 8, 9}});
}

TEST(RandomRotation, TurnsCounterClockwise) {
  EXPECT_THAT(Turned(0.25), Pointwise(FloatNear(1e-5F), Values{3, 6, 9, 2, 5, 8, 1, 4, 7}));
  EXPECT_THAT(Turned(-0.25), Pointwise(FloatNear(1e-5F), Values{7, 4, 1, 8, 5, 2, 9, 6, 3}));
  EXPECT_THAT(Turned(0.5), Pointwise(FloatNear(1e-5F), Values{9, 8, 7, 6, 5, 4, 3, 2, 1}));
  EXPECT_THAT(Turned(1), Pointwise(FloatNear(1e-5F), Values{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(RandomRotation, TurnsEachRowByItselfAroundTheCentre) {
  const LayerRun layer(Spec(-0.5, 0.5), {{3, 3, 1}});
  Values x;
  for (int row = 0; row < 2; ++row) x.insert(x.end(), {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Values y = layer.In({.rows = 2}, {.seed = 2}).Forward({x});
  EXPECT_NEAR(y[4], 5, 1e-5);
  EXPECT_NEAR(y[13], 5, 1e-5);
  EXPECT_GT(std::abs(y[0] - y[9]), 1e-2);
}

TEST(RandomRotation, WantsFactors) {
  EXPECT_EQ(CheckMessage(Spec(0.5, 0.25)),
            "factor: [0.5, 0.25] is not a number from 0 to 1, or two from -1 to 1 in order");
}

}  // namespace
}  // namespace gradus::layers
