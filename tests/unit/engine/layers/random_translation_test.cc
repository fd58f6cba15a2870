// SPDX-License-Identifier: Apache-2.0
// RandomTranslation: which way it shifts, and how far.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/engine/layers/layer_run.h"

namespace gradus::layers {
namespace {

using test_support::Values;
using ::testing::ElementsAre;

v1::Layer Spec(const std::vector<double>& height, const std::vector<double>& width) {
  v1::Layer spec;
  v1::RandomTranslation& settings = *spec.mutable_random_translation();
  settings.mutable_height_factor()->Assign(height.begin(), height.end());
  settings.mutable_width_factor()->Assign(width.begin(), width.end());
  settings.set_fill_mode(v1::Fill::CONSTANT);
  return spec;
}

TEST(RandomTranslation, ShiftsDownAndToTheRight) {
  const Values x = {1, 2, 3, 4};
  EXPECT_THAT(LayerRun(Spec({0.5, 0.5}, {0}), {{2, 2, 1}}).In({}).Forward({x}),
              ElementsAre(0, 0, 1, 2));
  EXPECT_THAT(LayerRun(Spec({0}, {0.5, 0.5}), {{2, 2, 1}}).In({}).Forward({x}),
              ElementsAre(0, 1, 0, 3));
  EXPECT_THAT(LayerRun(Spec({-0.5, -0.5}, {-0.25, -0.25}), {{2, 2, 1}}).In({}).Forward({x}),
              ElementsAre(3.5, 2, 0, 0));
}

TEST(RandomTranslation, ShiftsEachRowByItself) {
  constexpr size_t kRows = 1000;
  v1::Layer spec = Spec({0.5}, {0});
  spec.mutable_random_translation()->set_interpolation(v1::Interpolation::NEAREST);
  const LayerRun layer(spec, {{10, 1, 1}});
  // Each row holds the numbers of its pixels, from 1 on.
  Values x;
  for (size_t row = 0; row < kRows; ++row) {
    for (int pixel = 1; pixel <= 10; ++pixel) x.push_back(static_cast<float>(pixel));
  }
  const Values y = layer.In({.rows = kRows}, {.seed = 2}).Forward({x});
  std::vector<int> shifts(11);
  for (size_t row = 0; row < kRows; ++row) {
    // Pixel 5 always has a source.
    const auto shift = 5 - static_cast<int>(y[row * 10 + 4]);
    ASSERT_LE(std::abs(shift), 5);
    ++shifts[static_cast<size_t>(shift + 5)];
  }
  for (size_t i = 1; i < 10; ++i) EXPECT_NEAR(shifts[i], 100, 40) << i;
}

TEST(RandomTranslation, WantsFactors) {
  EXPECT_EQ(CheckMessage(Spec({}, {0.1})),
            "height_factor: [] is not a number from 0 to 1, or two from -1 to 1 in order");
  EXPECT_EQ(CheckMessage(Spec({0.1}, {2})),
            "width_factor: [2] is not a number from 0 to 1, or two from -1 to 1 in order");
}

}  // namespace
}  // namespace gradus::layers
