// SPDX-License-Identifier: Apache-2.0
// GaussianDropout: what it multiplies with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/layers/layer_run.h"
#include "tests/unit/engine/layers/noise_statistics.h"

namespace gradus::layers {
namespace {

v1::Layer Spec(double rate) {
  v1::Layer spec;
  spec.mutable_gaussian_dropout()->set_rate(rate);
  return spec;
}

TEST(GaussianDropout, HasTheMeanAndTheVarianceOfADropout) {
  constexpr size_t kCount = 200'000;
  for (const double rate : {0.1, 0.5}) {
    const LayerRun layer(Spec(rate), {{200}});
    const auto y =
        layer.In({.rows = kCount / 200}, {.seed = 3}).Forward({std::vector(kCount, 1.0F)});
    const double variance = rate / (1 - rate);
    EXPECT_NEAR(MomentsOf(y).mean, 1, FourErrors(variance, kCount));
    EXPECT_NEAR(MomentsOf(y).variance, variance, FourErrors(2 * variance * variance, kCount));
  }
}

TEST(GaussianDropout, TakesARateBelowOne) {
  EXPECT_EQ(CheckMessage(Spec(1)), "rate: 1 is not a number from 0 to less than 1");
  EXPECT_TRUE(LayerRun(Spec(0), {{5}}).operation().is_view());
}

}  // namespace
}  // namespace gradus::layers
