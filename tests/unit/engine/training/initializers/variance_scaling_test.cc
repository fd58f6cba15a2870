// SPDX-License-Identifier: Apache-2.0
// The settings of variance_scaling.
#include <gtest/gtest.h>

#include <limits>

#include "engine/training/initializers/kind.h"

namespace gradus::initializers {
namespace {

TEST(VarianceScaling, FillsInKerasDefaults) {
  v1::Initializer spec;
  spec.mutable_variance_scaling();
  ASSERT_TRUE(Check(spec).ok());
  EXPECT_EQ(spec.variance_scaling().scale(), 1);
  EXPECT_EQ(spec.variance_scaling().mode(), v1::VarianceScaling::FAN_IN);
  EXPECT_EQ(spec.variance_scaling().distribution(), v1::VarianceScaling::TRUNCATED_NORMAL);
}

TEST(VarianceScaling, RefusesScalesThatGiveNoVariance) {
  for (const double scale : {0.0, -1.0, std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN()}) {
    v1::Initializer spec;
    spec.mutable_variance_scaling()->set_scale(scale);
    EXPECT_FALSE(Check(spec).ok()) << scale;
  }
}

TEST(VarianceScaling, RefusesNumbersThatAreNoModeOrDistribution) {
  v1::Initializer spec;
  spec.mutable_variance_scaling()->set_mode(static_cast<v1::VarianceScaling::Mode>(9));
  EXPECT_EQ(Check(spec).message(),
            "variance_scaling.mode: 9 is not one of fan_in, fan_out, fan_avg");
  spec.mutable_variance_scaling()->set_mode(v1::VarianceScaling::FAN_OUT);
  spec.mutable_variance_scaling()->set_distribution(
      static_cast<v1::VarianceScaling::Distribution>(7));
  EXPECT_EQ(Check(spec).message(),
            "variance_scaling.distribution: 7 is not one of truncated_normal, untruncated_normal, "
            "uniform, normal");
}

}  // namespace
}  // namespace gradus::initializers
