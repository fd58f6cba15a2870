// SPDX-License-Identifier: Apache-2.0
// AlphaDropout: mean and variance stay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/base/philox.h"
#include "tests/unit/engine/layers/layer_run.h"
#include "tests/unit/engine/layers/noise_statistics.h"

namespace gradus::layers {
namespace {

v1::Layer Spec(double rate) {
  v1::Layer spec;
  spec.mutable_alpha_dropout()->set_rate(rate);
  return spec;
}

TEST(AlphaDropout, KeepsMeanAndVarianceOfNormalValues) {
  constexpr size_t kRows = 4000;
  constexpr size_t kValues = 100;
  std::vector<float> x(kRows * kValues);
  base::FillNormal({.seed = 1}, 0, 0, 1, x);
  for (const double rate : {0.05, 0.2, 0.5}) {
    const LayerRun layer(Spec(rate), {{kValues}});
    const Moments moments = MomentsOf(layer.In({.rows = kRows}, {.seed = 3}).Forward({x}));
    EXPECT_NEAR(moments.mean, 0, FourErrors(1, x.size()));
    // The fourth central moment is at most 5 here.
    EXPECT_NEAR(moments.variance, 1, FourErrors(4, x.size()));
  }
}

// a = (0.5 * (1 + 0.5 * 3.0909...))^-0.5 with limit -1.7580993...
TEST(AlphaDropout, HasTwoValuesForOne) {
  const LayerRun layer(Spec(0.5), {{50}});
  const auto y = layer.In({}).Forward({std::vector(50, 1.0F)});
  const double limit = -1.7580993408473766;
  const double a = 1 / std::sqrt(0.5 * (1 + 0.5 * limit * limit));
  const double b = -a * limit * 0.5;
  for (const float value : y) {
    EXPECT_NEAR(static_cast<double>(value), value > 1 ? a + b : a * limit + b, 1e-6);
  }
  EXPECT_NE(*std::ranges::min_element(y), *std::ranges::max_element(y));
}

TEST(AlphaDropout, TakesARateBelowOne) {
  EXPECT_EQ(CheckMessage(Spec(1)), "rate: 1 is not a number from 0 to less than 1");
  EXPECT_EQ(CheckMessage(Spec(0.99)), "");
  EXPECT_TRUE(LayerRun(Spec(0), {{5}}).operation().is_view());
}

}  // namespace
}  // namespace gradus::layers
