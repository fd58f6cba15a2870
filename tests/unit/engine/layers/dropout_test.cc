// SPDX-License-Identifier: Apache-2.0
// Dropout: how much is dropped, and that the mean stays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/engine/layers/layer_run.h"
#include "tests/unit/engine/layers/noise_statistics.h"

namespace gradus::layers {
namespace {

using ::testing::Each;

constexpr int64_t kRows = 1000;
constexpr int64_t kValues = 200;
constexpr size_t kCount = kRows * kValues;

v1::Layer Spec(double rate) {
  v1::Layer spec;
  spec.mutable_dropout()->set_rate(rate);
  return spec;
}

TEST(Dropout, TakesAProbability) {
  v1::Layer nothing;
  nothing.mutable_dropout();
  EXPECT_EQ(CheckMessage(nothing), "rate: nothing is not a number from 0 to 1");
  EXPECT_EQ(CheckMessage(Spec(-0.1)), "rate: -0.1 is not a number from 0 to 1");
  EXPECT_EQ(CheckMessage(Spec(1.5)), "rate: 1.5 is not a number from 0 to 1");
  EXPECT_EQ(CheckMessage(Spec(std::nan(""))), "rate: nan is not a number from 0 to 1");
  EXPECT_EQ(CheckMessage(Spec(0)), "");
  EXPECT_EQ(CheckMessage(Spec(1)), "");
}

TEST(Dropout, DropsAtItsRateAndKeepsTheMean) {
  for (const double rate : {0.1, 0.5, 0.9}) {
    const LayerRun layer(Spec(rate), {{kValues}});
    const auto y = layer.In({.rows = kRows}, {.seed = 3}).Forward({std::vector(kCount, 1.0F)});
    const auto dropped = static_cast<double>(std::ranges::count(y, 0.0F));
    EXPECT_NEAR(dropped / kCount, rate, FourErrors(rate * (1 - rate), kCount));
    const auto kept = static_cast<float>(1 / (1 - rate));
    EXPECT_EQ(std::ranges::count(y, kept),
              static_cast<int64_t>(kCount) - std::ranges::count(y, 0.0F));
    EXPECT_NEAR(MomentsOf(y).mean, 1, FourErrors(rate / (1 - rate), kCount));
  }
}

TEST(Dropout, DropsAnotherValuesInEachStepAndNoneInAnEvaluation) {
  const LayerRun layer(Spec(0.5), {{5, 8}});
  const test_support::Values ones(40, 1.0F);
  const auto first = layer.In({}, {.step = 1}).Forward({ones});
  EXPECT_EQ(layer.In({}, {.step = 1}).Forward({ones}), first);
  EXPECT_NE(layer.In({}, {.step = 2}).Forward({ones}), first);
  EXPECT_EQ(layer.In({.training = false}).Forward({ones}), ones);
}

TEST(Dropout, IsNothingAtRateZeroAndAllAtRateOne) {
  EXPECT_TRUE(LayerRun(Spec(0), {{5}}).operation().is_view());
  EXPECT_THAT(LayerRun(Spec(1), {{5}}).In({}).Forward({{1, 2, 3, 4, 5}}), Each(0.0F));
}

}  // namespace
}  // namespace gradus::layers
