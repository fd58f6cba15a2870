// SPDX-License-Identifier: Apache-2.0
// Permutation: axes in another order, and back.
#include "engine/kernels/permutation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/operation_run.h"
#include "tests/unit/engine/kernels/vector/variants.h"

namespace gradus::kernels {
namespace {

using test_support::OperationRun;
using test_support::Values;
using ::testing::ElementsAre;

TEST(Permutation, TurnsAMatrix) {
  const auto operation = MakePermutation({2, 3}, {1, 0});
  const auto result =
      OperationRun(*operation, {}).ForwardAndBackward({{1, 2, 3, 4, 5, 6}}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(result.dst, ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(result.diff_srcs[0], ElementsAre(1, 3, 5, 2, 4, 6));
}

TEST(Permutation, HasTheGradientOfItsForwardPass) {
  const auto operation = MakePermutation({2, 3, 4}, {2, 0, 1});
  OperationRun(*operation, {.rows = 2})
      .ExpectGradientsAreDifferences({Numbers(48, 1)}, Numbers(48, 2), 0.25F, 1e-5);
}

TEST(Permutation, IsAViewWhereNothingMoves) {
  EXPECT_TRUE(MakePermutation({2, 3}, {0, 1})->is_view());
  EXPECT_EQ(MakePermutation({2, 3}, {0, 1})->dst_values(), 6);
  EXPECT_FALSE(MakePermutation({2, 3}, {1, 0})->is_view());
}

TEST(Permutation, GivesTheSameOnAnyNumberOfThreads) {
  const auto operation = MakePermutation({7, 9}, {1, 0});
  const Values x = Numbers(1000 * 63, 1);
  EXPECT_EQ(OperationRun(*operation, {.rows = 1000}).Forward({x}),
            OperationRun(*operation, {.rows = 1000, .threads = 3}).Forward({x}));
}

}  // namespace
}  // namespace gradus::kernels
