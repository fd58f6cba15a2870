// SPDX-License-Identifier: Apache-2.0
// RandomCrop: where the rectangle lies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/unit/engine/layers/layer_run.h"
#include "tests/unit/engine/layers/noise_statistics.h"

namespace gradus::layers {
namespace {

using test_support::Values;
using ::testing::ElementsAre;

v1::Layer Spec(int64_t height, int64_t width) {
  v1::Layer spec;
  spec.mutable_random_crop()->set_height(height);
  spec.mutable_random_crop()->set_width(width);
  return spec;
}

TEST(RandomCrop, TakesTheCentreInAnEvaluation) {
  const LayerRun layer(Spec(1, 2), {{3, 4, 1}});
  const Values x = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  EXPECT_THAT(layer.In({.training = false}).Forward({x}), ElementsAre(6, 7));
}

TEST(RandomCrop, TakesEachPlaceAsOftenInTraining) {
  constexpr size_t kRows = 6000;
  const LayerRun layer(Spec(2, 1), {{3, 3, 1}});
  Values x;
  for (size_t row = 0; row < kRows; ++row) x.insert(x.end(), {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Values y = layer.In({.rows = kRows}, {.seed = 2}).Forward({x});
  std::map<float, double> places;
  for (size_t row = 0; row < kRows; ++row) {
    ASSERT_EQ(y[2 * row + 1], y[2 * row] + 3);
    places[y[2 * row]] += 1.0 / kRows;
  }
  EXPECT_EQ(places.size(), 6u);
  for (const auto& [place, frequency] : places)
    EXPECT_NEAR(frequency, 1.0 / 6, FourErrors(5.0 / 36, kRows)) << place;
}

TEST(RandomCrop, WantsARectangleInsideTheImage) {
  EXPECT_THAT(InferredShape(Spec(2, 3), {{2, 4, 5}}), ElementsAre(2, 3, 5));
  EXPECT_EQ(CheckMessage(Spec(0, 1)), "height: 0 is not a positive number");
  EXPECT_EQ(CheckMessage(Spec(1, -1)), "width: -1 is not a positive number");
  EXPECT_EQ(InferMessage(Spec(3, 3), {{2, 4, 5}}),
            "height: 3 is not at most the input's height, 2");
  EXPECT_EQ(InferMessage(Spec(2, 5), {{2, 4, 5}}), "width: 5 is not at most the input's width, 4");
  EXPECT_EQ(InferMessage(Spec(2, 5), {{2, 4}}),
            "an input of shape (2, 4) is not an image (height, width, channels)");
}

}  // namespace
}  // namespace gradus::layers
