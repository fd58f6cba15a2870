// SPDX-License-Identifier: Apache-2.0
// What layers that change images at random have in common.
#include "engine/layers/augmentation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/layers/layer_run.h"

namespace gradus::layers {
namespace {

Factors Of(const std::vector<double>& values) { return {values.begin(), values.end()}; }

TEST(Augmentation, TakesOneFactorOrTwo) {
  for (const auto& good : std::vector<std::vector<double>>{{0}, {1}, {-1, 1}, {0.2, 0.2}})
    EXPECT_TRUE(CheckFactors("factor", Of(good)).ok());
  for (const auto& bad : std::vector<std::vector<double>>{
           {}, {-0.1}, {1.1}, {0.2, 0.1}, {-1.5, 0}, {0, 2}, {0, 0, 0}, {std::nan("")}})
    EXPECT_FALSE(CheckFactors("factor", Of(bad)).ok());
  EXPECT_EQ(CheckFactors("factor", Of({0.2, 0.1})).message(),
            "factor: [0.2, 0.1] is not a number from 0 to 1, or two from -1 to 1 in order");
}

TEST(Augmentation, DrawsBetweenFactors) {
  EXPECT_EQ(BetweenFactors(Of({0.5}), 0), -0.5);
  EXPECT_EQ(BetweenFactors(Of({0.5}), 0x80000000), 0);
  EXPECT_NEAR(BetweenFactors(Of({0.5}), 0xFFFFFFFF), 0.5, 1e-6);
  EXPECT_EQ(BetweenFactors(Of({0.25, 0.75}), 0), 0.25);
  EXPECT_EQ(BetweenFactors(Of({0.25, 0.75}), 0x80000000), 0.5);
  EXPECT_EQ(BetweenFactors(Of({0.25, 0.25}), 77), 0.25);
}

TEST(Augmentation, FillsInHowPixelsAreRead) {
  v1::RandomRotation spec;
  ASSERT_TRUE(CheckReading(spec).ok());
  EXPECT_EQ(spec.fill_mode(), v1::Fill::REFLECT);
  EXPECT_EQ(spec.interpolation(), v1::Interpolation::BILINEAR);
  EXPECT_TRUE(spec.has_fill_value());
  spec.set_fill_value(1e300);
  EXPECT_EQ(CheckReading(spec).message(),
            "fill_value: 1e+300 is not a finite number of at most 3.4e38");
}

TEST(Augmentation, WantsImages) {
  for (const LayerKind* kind : Table()) {
    if (kind->infer != ImageShape) continue;
    const std::vector<Shape> vectors = {{28, 28}};
    EXPECT_EQ(kind->infer({}, vectors).status().message(),
              "an input of shape (28, 28) is not an image (height, width, channels)");
  }
}

}  // namespace
}  // namespace gradus::layers
