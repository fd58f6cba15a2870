// SPDX-License-Identifier: Apache-2.0
// RandomFlip: the ways that it mirrors, and how often.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/unit/engine/layers/layer_run.h"
#include "tests/unit/engine/layers/noise_statistics.h"

namespace gradus::layers {
namespace {

using test_support::Values;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr size_t kRows = 4000;

// How often each result comes out of the image [1 2; 3 4].
std::map<Values, double> Results(v1::RandomFlip::Mode mode) {
  v1::Layer spec;
  spec.mutable_random_flip()->set_mode(mode);
  const LayerRun layer(spec, {{2, 2, 1}});
  Values x;
  for (size_t row = 0; row < kRows; ++row) x.insert(x.end(), {1, 2, 3, 4});
  const Values y = layer.In({.rows = kRows}, {.seed = 2}).Forward({x});
  std::map<Values, double> results;
  for (size_t row = 0; row < kRows; ++row) {
    const auto first = y.begin() + static_cast<std::ptrdiff_t>(4 * row);
    results[Values(first, first + 4)] += 1.0 / kRows;
  }
  return results;
}

auto About(double probability) {
  return ::testing::DoubleNear(probability, FourErrors(probability * (1 - probability), kRows));
}

TEST(RandomFlip, MirrorsEachWayHalfOfTheTime) {
  const Values same = {1, 2, 3, 4};
  const Values left_right = {2, 1, 4, 3};
  const Values up_down = {3, 4, 1, 2};
  const Values both = {4, 3, 2, 1};
  EXPECT_THAT(Results(v1::RandomFlip::HORIZONTAL),
              UnorderedElementsAre(Pair(same, About(0.5)), Pair(left_right, About(0.5))));
  EXPECT_THAT(Results(v1::RandomFlip::VERTICAL),
              UnorderedElementsAre(Pair(same, About(0.5)), Pair(up_down, About(0.5))));
  for (const auto mode :
       {v1::RandomFlip::MODE_UNSPECIFIED, v1::RandomFlip::HORIZONTAL_AND_VERTICAL}) {
    EXPECT_THAT(Results(mode),
                UnorderedElementsAre(Pair(same, About(0.25)), Pair(left_right, About(0.25)),
                                     Pair(up_down, About(0.25)), Pair(both, About(0.25))));
  }
}

}  // namespace
}  // namespace gradus::layers
