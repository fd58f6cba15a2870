// SPDX-License-Identifier: Apache-2.0
// Concatenation: runs of all sources in turn, and gradients back to where they came from.
#include "engine/kernels/concatenation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/operation_run.h"
#include "tests/unit/engine/kernels/vector/variants.h"

namespace gradus::kernels {
namespace {

using test_support::OperationRun;
using test_support::Values;
using ::testing::ElementsAre;

TEST(Concatenation, PutsRunsInTurnAndGivesThemBack) {
  const auto operation = MakeConcatenation(2, {1, 2});
  EXPECT_EQ(operation->dst_values(), 6);
  const std::vector<Values> srcs = {{1, 2}, {10, 20, 30, 40}};
  const auto result = OperationRun(*operation, {}).ForwardAndBackward(srcs, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(result.dst, ElementsAre(1, 10, 20, 2, 30, 40));
  EXPECT_THAT(result.diff_srcs, ElementsAre(ElementsAre(1, 4), ElementsAre(2, 3, 5, 6)));
}

TEST(Concatenation, LeavesOutGradientsThatNobodyWants) {
  const auto operation = MakeConcatenation(1, {1, 1});
  const auto result =
      OperationRun(*operation, {.rows = 2}).ForwardAndBackward({{1, 2}, {3, 4}}, {5, 6, 7, 8}, {0});
  EXPECT_TRUE(std::isnan(result.diff_srcs[0][0]));
  EXPECT_THAT(result.diff_srcs[1], ElementsAre(6, 8));
}

TEST(Concatenation, GivesTheSameOnAnyNumberOfThreads) {
  const auto operation = MakeConcatenation(3, {5, 17});
  const std::vector<Values> srcs = {Numbers(1000 * 15, 1), Numbers(1000 * 51, 2)};
  const Values d = Numbers(1000 * 66, 3);
  const auto run = [&](int threads) {
    return OperationRun(*operation, {.rows = 1000, .threads = threads}).ForwardAndBackward(srcs, d);
  };
  EXPECT_EQ(run(1).dst, run(3).dst);
  EXPECT_EQ(run(1).diff_srcs, run(3).diff_srcs);
}

}  // namespace
}  // namespace gradus::kernels
