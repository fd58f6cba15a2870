// SPDX-License-Identifier: Apache-2.0
// Contraction: products along axes, with vectors of length 1 where that is asked for.
#include "engine/kernels/contraction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/operation_run.h"
#include "tests/unit/engine/kernels/vector/variants.h"

namespace gradus::kernels {
namespace {

using test_support::OperationRun;
using test_support::Values;
using ::testing::ElementsAre;
using ::testing::FloatNear;

TEST(Contraction, SumsAlongTheAxes) {
  // (2, 2) along its last axis with (2) along its only one.
  const auto operation = MakeContraction({2, 2, 1}, {1, 2, 1}, false);
  EXPECT_EQ(operation->dst_values(), 2);
  EXPECT_THAT(OperationRun(*operation, {}).Forward({{1, 2, 3, 4}, {10, 100}}),
              ElementsAre(210, 430));
  // Along its first one.
  EXPECT_THAT(OperationRun(*MakeContraction({1, 2, 2}, {1, 2, 1}, false), {})
                  .Forward({{1, 2, 3, 4}, {10, 100}}),
              ElementsAre(310, 420));
}

TEST(Contraction, GivesCosinesOfNormalizedVectors) {
  const auto operation = MakeContraction({2, 2, 1}, {1, 2, 1}, true);
  EXPECT_THAT(OperationRun(*operation, {}).Forward({{0, 3, 5, 5}, {0, 7}}),
              ElementsAre(FloatNear(1, 1e-6F), FloatNear(std::sqrt(0.5F), 1e-6F)));
}

TEST(Contraction, HasTheGradientsOfItsForwardPass) {
  for (const bool normalize : {false, true}) {
    const auto operation = MakeContraction({2, 5, 3}, {2, 5, 1}, normalize);
    OperationRun(*operation, {.rows = 2})
        .ExpectGradientsAreDifferences({Numbers(60, 1), Numbers(20, 2)}, Numbers(24, 3), 1e-2F,
                                       5e-3);
  }
}

TEST(Contraction, DoesNotDivideByNothing) {
  const auto operation = MakeContraction({1, 3, 1}, {1, 3, 1}, true);
  const auto result = OperationRun(*operation, {}).ForwardAndBackward({{0, 0, 0}, {1, 0, 0}}, {1});
  EXPECT_EQ(result.dst[0], 0);
  // Up to there it grows 10^7 times as fast as the vector.
  EXPECT_THAT(result.diff_srcs[0], ElementsAre(1e7F, 0, 0));
  EXPECT_THAT(result.diff_srcs[1], ElementsAre(0, 0, 0));
}

TEST(Contraction, HidesNoNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const bool normalize : {false, true}) {
    const auto operation = MakeContraction({1, 2, 1}, {1, 2, 1}, normalize);
    EXPECT_TRUE(std::isnan(OperationRun(*operation, {}).Forward({{nan, 1}, {1, 1}})[0]));
  }
}

TEST(Contraction, LeavesOutGradientsThatNobodyWants) {
  const auto operation = MakeContraction({1, 3, 1}, {1, 3, 1}, true);
  const std::vector<Values> srcs = {Numbers(3, 1), Numbers(3, 2)};
  const auto all = OperationRun(*operation, {}).ForwardAndBackward(srcs, {1});
  for (const size_t unwanted : {0, 1}) {
    const auto some = OperationRun(*operation, {}).ForwardAndBackward(srcs, {1}, {unwanted});
    EXPECT_TRUE(std::isnan(some.diff_srcs[unwanted][0]));
    EXPECT_EQ(some.diff_srcs[1 - unwanted], all.diff_srcs[1 - unwanted]);
  }
}

TEST(Contraction, GivesTheSameOnAnyNumberOfThreads) {
  const auto operation = MakeContraction({4, 5, 1}, {3, 5, 1}, true);
  const std::vector<Values> srcs = {Numbers(1000 * 20, 1), Numbers(1000 * 15, 2)};
  const Values d = Numbers(1000 * 12, 3);
  const auto run = [&](int threads) {
    return OperationRun(*operation, {.rows = 1000, .threads = threads}).ForwardAndBackward(srcs, d);
  };
  EXPECT_EQ(run(1).dst, run(3).dst);
  EXPECT_EQ(run(1).diff_srcs, run(3).diff_srcs);
}

}  // namespace
}  // namespace gradus::kernels
