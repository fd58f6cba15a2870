// SPDX-License-Identifier: Apache-2.0
// Relu: as it stands it can be part of a product; slope, threshold and end by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/kernels/eltwise.h"
#include "tests/unit/engine/layers/activations/activation_run.h"

namespace gradus::activations {
namespace {

using ::testing::ElementsAre;

v1::Activation Spec(double max_value, double negative_slope, double threshold) {
  v1::Activation spec;
  spec.mutable_relu()->set_max_value(max_value);
  spec.mutable_relu()->set_negative_slope(negative_slope);
  spec.mutable_relu()->set_threshold(threshold);
  return spec;
}

TEST(Relu, HasKerassDefaultsWithoutAWord) {
  v1::Activation spec;
  spec.mutable_relu();
  ASSERT_TRUE(Check(spec).ok());
  EXPECT_EQ(spec.ShortDebugString(), "relu { }");
  EXPECT_EQ(spec.relu().negative_slope(), 0);
  EXPECT_EQ(spec.relu().threshold(), 0);
}

TEST(Relu, IsWhatProductsAbsorbUnlessASettingSaysOtherwise) {
  v1::Activation spec;
  spec.mutable_relu();
  ASSERT_TRUE(Check(spec).ok());
  const std::vector<int64_t> shape = {5};
  EXPECT_EQ(kernels::EltwiseOf(*Lower(spec, shape)), &kernels::kRelu);
  for (const v1::Activation& other : {Spec(6, 0, 0), Spec(6, 0.5, 0), Spec(6, 0, 1)})
    EXPECT_EQ(kernels::EltwiseOf(*Lower(other, shape)), nullptr);
}

TEST(Relu, HasASlopeBelowItsThresholdAndEndsAtItsMaximum) {
  const ActivationRun run(Spec(6, 0.5, 2), {7});
  const auto result =
      run.In({}).ForwardAndBackward({{-4, 0, 1, 2, 3, 6, 9}}, {1, 1, 1, 1, 1, 1, 1});
  EXPECT_THAT(result.dst, ElementsAre(-3, -1, -0.5, 2, 3, 6, 6));
  EXPECT_THAT(result.diff_srcs[0], ElementsAre(0.5, 0.5, 0.5, 0.5, 1, 0, 0));
}

TEST(Relu, IsZeroHoweverFarDownWithoutASlope) {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto y =
      ActivationRun(Spec(6, 0, 1), {4}).In({}).Forward({{-infinity, 0.5F, infinity, NAN}});
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[1], 0);
  EXPECT_EQ(y[2], 6);
  EXPECT_TRUE(std::isnan(y[3]));
}

TEST(Relu, NamesTheSettingThatCannotBe) {
  EXPECT_EQ(CheckMessage(Spec(6, -0.1, 0)),
            "relu.negative_slope: -0.1 is not a finite number from 0 on");
  EXPECT_EQ(CheckMessage(Spec(6, 0, NAN)), "relu.threshold: nan is not a finite number from 0 on");
  EXPECT_EQ(CheckMessage(Spec(1, 0, 2)), "relu.max_value: 1 is not a finite number from 2 on");
  EXPECT_EQ(CheckMessage(Spec(1e60, 0, 0)),
            "relu.max_value: 1e+60 is not a finite number from 0 on");
}

}  // namespace
}  // namespace gradus::activations
