// SPDX-License-Identifier: Apache-2.0
// Variances by fans.
#include "engine/training/initializers/scaled.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gradus::initializers {
namespace {

constexpr Drawn kWeight = {.shape = {}, .fan_in = 300, .fan_out = 100};

TEST(ScaledVariance, IsTheScaleByTheChosenFan) {
  EXPECT_EQ(ScaledVariance(2, v1::VarianceScaling::FAN_IN, 8, 4), 0.25);
  EXPECT_EQ(ScaledVariance(2, v1::VarianceScaling::FAN_OUT, 8, 4), 0.5);
  EXPECT_EQ(ScaledVariance(2, v1::VarianceScaling::FAN_AVG, 8, 4), 2.0 / 6);
}

TEST(ScaledVariance, TakesAFanBelowOneAsOne) {
  EXPECT_EQ(ScaledVariance(2, v1::VarianceScaling::FAN_IN, 0, 4), 2);
}

// Written down from Keras 2.11's documentation, so that no formula is compared with itself.
TEST(FixedCases, AreKerasDefinitions) {
  const auto variance = [](const v1::Initializer& spec) {
    return Find(spec)->reference(spec, kWeight).variance;
  };
  v1::Initializer spec;
  spec.mutable_glorot_uniform();
  EXPECT_DOUBLE_EQ(variance(spec), 2.0 / 400);
  EXPECT_NEAR(Find(spec)->reference(spec, kWeight).high, std::sqrt(6.0 / 400), 1e-6);
  spec.mutable_glorot_normal();
  EXPECT_DOUBLE_EQ(variance(spec), 2.0 / 400);
  spec.mutable_he_uniform();
  EXPECT_DOUBLE_EQ(variance(spec), 2.0 / 300);
  EXPECT_NEAR(Find(spec)->reference(spec, kWeight).high, std::sqrt(6.0 / 300), 1e-6);
  spec.mutable_he_normal();
  EXPECT_DOUBLE_EQ(variance(spec), 2.0 / 300);
  spec.mutable_lecun_uniform();
  EXPECT_DOUBLE_EQ(variance(spec), 1.0 / 300);
  EXPECT_NEAR(Find(spec)->reference(spec, kWeight).high, std::sqrt(3.0 / 300), 1e-6);
  spec.mutable_lecun_normal();
  EXPECT_DOUBLE_EQ(variance(spec), 1.0 / 300);
}

}  // namespace
}  // namespace gradus::initializers
