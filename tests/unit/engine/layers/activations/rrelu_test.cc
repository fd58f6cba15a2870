// SPDX-License-Identifier: Apache-2.0
// Rrelu: slopes are uniform in training, fixed without, and follow from a row's place in the batch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/unit/engine/layers/activations/activation_run.h"
#include "tests/unit/engine/layers/noise_statistics.h"

namespace gradus::activations {
namespace {

using ::testing::Each;
using ::testing::ElementsAreArray;
using ::testing::FloatNear;

constexpr kernels::Draw kDraw = {.seed = 7, .step = 3};

v1::Activation Spec() {
  v1::Activation spec;
  spec.mutable_rrelu();
  return spec;
}

TEST(Rrelu, FillsInTheUsualDefaults) {
  v1::Activation spec = Spec();
  ASSERT_TRUE(Check(spec).ok());
  EXPECT_EQ(spec.rrelu().lower(), 1.0 / 8);
  EXPECT_EQ(spec.rrelu().upper(), 1.0 / 3);
}

TEST(Rrelu, DrawsUniformSlopesInTraining) {
  constexpr size_t kCount = 200'000;
  const ActivationRun run(Spec(), {200});
  const std::vector<float> slopes =
      run.In({.rows = kCount / 200}, kDraw)
          .ForwardAndBackward({std::vector(kCount, -1.0F)}, std::vector(kCount, 1.0F))
          .diff_srcs[0];
  const double width = 1.0 / 3 - 1.0 / 8;
  const double variance = width * width / 12;
  const layers::Moments moments = layers::MomentsOf(slopes);
  EXPECT_NEAR(moments.mean, (1.0 / 3 + 1.0 / 8) / 2, layers::FourErrors(variance, kCount));
  // The fourth moment of a uniform number is 9/5 of its variance's square.
  EXPECT_NEAR(moments.variance, variance, layers::FourErrors(0.8 * variance * variance, kCount));
  const auto [least, most] = std::ranges::minmax(slopes);
  EXPECT_GE(least, 1.0F / 8);
  EXPECT_LE(most, 1.0F / 3);
}

TEST(Rrelu, PassesGradientsThroughTheSlopesThatItDrew) {
  const ActivationRun run(Spec(), {3});
  const std::vector<float> x = {-1, 2, -3, 4, -5, 6};
  const auto result = run.In({.rows = 2}, kDraw).ForwardAndBackward({x}, {1, 1, 1, 1, 1, 1});
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(result.dst[i], result.diff_srcs[0][i] * x[i]) << i;
    EXPECT_EQ(result.diff_srcs[0][i] == 1, x[i] > 0) << i;
  }
  EXPECT_NE(result.diff_srcs[0][0], result.diff_srcs[0][2]);
}

TEST(Rrelu, DrawsOthersInEachStep) {
  const ActivationRun run(Spec(), {50});
  const std::vector<float> x(50, -1);
  const auto once = run.In({}, kDraw).Forward({x});
  EXPECT_EQ(run.In({}, kDraw).Forward({x}), once);
  EXPECT_NE(run.In({}, {.seed = 7, .step = 4}).Forward({x}), once);
  EXPECT_NE(run.In({}, {.seed = 8, .step = 3}).Forward({x}), once);
}

TEST(Rrelu, DrawsTheSameHoweverABatchIsCut) {
  constexpr int64_t kRows = 40;
  constexpr int64_t kWidth = 1001;
  const ActivationRun run(Spec(), {kWidth});
  const std::vector<float> x(kRows * kWidth, -1);
  const auto whole = run.In({.rows = kRows}, kDraw).Forward({x});
  EXPECT_EQ(run.In({.rows = kRows, .threads = 2}, kDraw).Forward({x}), whole);
  std::vector<float> joined;
  for (const auto& [first, rows] : {std::pair<int64_t, int64_t>{0, 7}, {7, 30}, {37, 3}}) {
    kernels::Draw draw = kDraw;
    draw.first_row = first;
    const auto part = run.In({.rows = rows}, draw)
                          .Forward({std::vector(static_cast<size_t>(rows * kWidth), -1.0F)});
    joined.insert(joined.end(), part.begin(), part.end());
  }
  EXPECT_THAT(joined, ElementsAreArray(whole));
}

TEST(Rrelu, HasTheMeanSlopeInAnEvaluationAndWhereItIsFrozen) {
  const ActivationRun run(Spec(), {4});
  const std::vector<float> x = {-1, -1, -1, -1};
  const float slope = (1.0F / 3 + 1.0F / 8) / 2;
  EXPECT_THAT(run.In({.training = false}).Forward({x}), Each(FloatNear(-slope, 1e-7F)));
  const auto frozen = run.In({.frozen = true}, kDraw).ForwardAndBackward({x}, {1, 1, 1, 1});
  EXPECT_THAT(frozen.dst, Each(FloatNear(-slope, 1e-7F)));
  EXPECT_THAT(frozen.diff_srcs[0], Each(FloatNear(slope, 1e-7F)));
}

TEST(Rrelu, LetsNoNanGo) {
  const auto y = ActivationRun(Spec(), {1}).In({}, kDraw).Forward({{NAN}});
  EXPECT_TRUE(std::isnan(y[0]));
}

TEST(Rrelu, NamesTheSettingThatCannotBe) {
  v1::Activation spec = Spec();
  spec.mutable_rrelu()->set_lower(-0.5);
  EXPECT_EQ(CheckMessage(spec), "rrelu.lower: -0.5 is not a finite number from 0 on");
  spec.mutable_rrelu()->set_lower(0.5);
  EXPECT_EQ(CheckMessage(spec), "rrelu.upper: 0.333333 is not a finite number from 0.5 on");
  spec.mutable_rrelu()->set_upper(INFINITY);
  EXPECT_EQ(CheckMessage(spec), "rrelu.upper: inf is not a finite number from 0.5 on");
  spec.mutable_rrelu()->set_upper(0.5);
  EXPECT_EQ(CheckMessage(spec), "");
}

}  // namespace
}  // namespace gradus::activations
