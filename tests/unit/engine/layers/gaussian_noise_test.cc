// SPDX-License-Identifier: Apache-2.0
// GaussianNoise: what it adds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/layers/layer_run.h"
#include "tests/unit/engine/layers/noise_statistics.h"

namespace gradus::layers {
namespace {

v1::Layer Spec(double stddev) {
  v1::Layer spec;
  spec.mutable_gaussian_noise()->set_stddev(stddev);
  return spec;
}

TEST(GaussianNoise, AddsNormalNumbers) {
  constexpr size_t kCount = 200'000;
  const LayerRun layer(Spec(0.5), {{200}});
  const auto y = layer.In({.rows = kCount / 200}, {.seed = 3}).Forward({std::vector(kCount, 2.0F)});
  const Moments moments = MomentsOf(y);
  EXPECT_NEAR(moments.mean, 2, FourErrors(0.25, kCount));
  EXPECT_NEAR(moments.variance, 0.25, FourErrors(2 * 0.25 * 0.25, kCount));
}

TEST(GaussianNoise, TakesADeviation) {
  v1::Layer nothing;
  nothing.mutable_gaussian_noise();
  EXPECT_EQ(CheckMessage(nothing), "stddev: nothing is not a number from 0 on");
  EXPECT_EQ(CheckMessage(Spec(-1)), "stddev: -1 is not a number from 0 on");
  EXPECT_EQ(CheckMessage(Spec(1e300)), "stddev: 1e+300 is not a finite number of at most 3.4e38");
  EXPECT_TRUE(LayerRun(Spec(0), {{5}}).operation().is_view());
}

}  // namespace
}  // namespace gradus::layers
