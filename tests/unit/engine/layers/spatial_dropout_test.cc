// SPDX-License-Identifier: Apache-2.0
// SpatialDropout: channels go as a whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/layers/layer_run.h"
#include "tests/unit/engine/layers/noise_statistics.h"

namespace gradus::layers {
namespace {

v1::Layer Spec(double rate) {
  v1::Layer spec;
  spec.mutable_spatial_dropout()->set_rate(rate);
  return spec;
}

TEST(SpatialDropout, DropsChannelsAtAllPositions) {
  constexpr size_t kRows = 500;
  constexpr size_t kPositions = 6;
  constexpr size_t kChannels = 40;
  constexpr double kRate = 0.3;
  const LayerRun layer(Spec(kRate), {{2, 3, kChannels}});
  const auto y = layer.In({.rows = kRows}, {.seed = 8})
                     .Forward({std::vector(kRows * kPositions * kChannels, 1.0F)});
  double dropped = 0;
  for (size_t row = 0; row < kRows; ++row) {
    for (size_t channel = 0; channel < kChannels; ++channel) {
      const size_t first = row * kPositions * kChannels + channel;
      for (size_t position = 0; position < kPositions; ++position)
        ASSERT_EQ(y[first + position * kChannels], y[first]);
      if (y[first] == 0) ++dropped;
      ASSERT_TRUE(y[first] == 0 || y[first] == static_cast<float>(1 / (1 - kRate)));
    }
  }
  EXPECT_NEAR(dropped / (kRows * kChannels), kRate,
              FourErrors(kRate * (1 - kRate), kRows * kChannels));
}

TEST(SpatialDropout, WantsPositions) {
  EXPECT_EQ(InferMessage(Spec(0.5), {{7}}),
            "an input of shape (7) has no positions beside its channels; use a dropout layer");
  EXPECT_EQ(CheckMessage(Spec(2)), "rate: 2 is not a number from 0 to 1");
  EXPECT_TRUE(LayerRun(Spec(0), {{5, 2}}).operation().is_view());
}

}  // namespace
}  // namespace gradus::layers
