// SPDX-License-Identifier: Apache-2.0
// Normalization: what it fills in and refuses, and what it makes of rows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/engine/layers/layer_run.h"

namespace gradus::layers {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;

std::vector<std::vector<float>> Adapted(int axis, const Shape& input,
                                        const std::vector<std::vector<float>>& rows) {
  v1::Layer spec;
  spec.mutable_normalization()->set_axis(axis);
  return Find(spec)->adapt(spec, input,
                           {.count = static_cast<int64_t>(rows.size()), .row = [&](int64_t i) {
                              return std::span(rows[static_cast<size_t>(i)]);
                            }});
}

TEST(Normalization, FillsInKerasDefaults) {
  v1::Layer spec;
  spec.mutable_normalization();
  ASSERT_EQ(CheckMessage(spec), "");
  ASSERT_TRUE(Find(spec)->check(spec).ok());
  EXPECT_EQ(spec.normalization().axis(), -1);
  EXPECT_TRUE(Find(spec)->adapts(spec));
}

TEST(Normalization, RefusesHalfOfWhatIsGivenAndWhatIsNoVariance) {
  v1::Layer spec;
  spec.mutable_normalization()->set_mean(1);
  EXPECT_EQ(CheckMessage(spec),
            "mean and variance are given together, or neither: then the training rows say them");
  spec.mutable_normalization()->set_variance(-1);
  EXPECT_EQ(CheckMessage(spec), "variance: -1 is not 0 or more");
  spec.mutable_normalization()->set_variance(4);
  EXPECT_EQ(CheckMessage(spec), "");
  EXPECT_FALSE(Find(spec)->adapts(spec));
  spec.mutable_normalization()->set_axis(3);
  EXPECT_NE(InferMessage(spec, {{2, 2}}), "");
}

// Columns 1, 3, 8 and 2, 2, 2: means 4 and 2, variances (9 + 1 + 16) / 3 and 0.
TEST(Normalization, TakesMeanAndVarianceOfEachIndex) {
  EXPECT_THAT(Adapted(-1, {2}, {{1, 2}, {3, 2}, {8, 2}}),
              ElementsAre(ElementsAre(4, 2), ElementsAre(FloatEq(26.0F / 3), 0)));
  // Rows of two by two: the first axis keeps 1, 2, 5, 6 and 3, 4, 7, 8.
  EXPECT_THAT(Adapted(1, {2, 2}, {{1, 2, 3, 4}, {5, 6, 7, 8}}),
              ElementsAre(ElementsAre(3.5, 5.5), ElementsAre(4.25, 4.25)));
}

TEST(Normalization, KeepsASmallVarianceBesideALargeMean) {
  const auto adapted = Adapted(-1, {1}, {{1e7F}, {1e7F + 1}, {1e7F + 2}});
  EXPECT_FLOAT_EQ(adapted[1][0], 2.0F / 3);
}

}  // namespace
}  // namespace gradus::layers
