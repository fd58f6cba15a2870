// SPDX-License-Identifier: Apache-2.0
// Rescaling: x * scale + offset, and its gradient.
#include "engine/kernels/rescaling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/operation_run.h"
#include "tests/unit/engine/kernels/vector/variants.h"

namespace gradus::kernels {
namespace {

using test_support::OperationRun;
using test_support::Values;
using ::testing::ElementsAre;

TEST(Rescaling, ScalesThenShifts) {
  const auto result =
      OperationRun(*MakeRescaling(3, 2, 1), {}).ForwardAndBackward({{1, 2, -3}}, {1, 2, 3});
  EXPECT_THAT(result.dst, ElementsAre(3, 5, -5));
  EXPECT_THAT(result.diff_srcs[0], ElementsAre(2, 4, 6));
}

TEST(Rescaling, GivesTheSameOnAnyNumberOfThreads) {
  const Values x = Numbers(67'000, 1);
  const auto operation = MakeRescaling(67, 3, -1);
  EXPECT_EQ(OperationRun(*operation, {.rows = 1000}).Forward({x}),
            OperationRun(*operation, {.rows = 1000, .threads = 3}).Forward({x}));
}

}  // namespace
}  // namespace gradus::kernels
