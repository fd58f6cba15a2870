// SPDX-License-Identifier: Apache-2.0
// Noise: backward draws what forward drew, and a row's numbers do not depend on who draws them.
#include "engine/kernels/noise.h"

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
using ::testing::Each;

std::unique_ptr<const Operation> Both(int64_t positions, int64_t draws) {
  return MakeNoise({.name = "noise",
                    .purpose = base::RandomPurpose::kTest,
                    .factors = Chosen(0.3, 0, 2),
                    .summands = NormallyDistributed(0, 1)},
                   positions, draws);
}

std::unique_ptr<const Operation> Factors(int64_t positions, int64_t draws) {
  return MakeNoise({.name = "noise",
                    .purpose = base::RandomPurpose::kTest,
                    .factors = NormallyDistributed(1, 0.5),
                    .summands = nullptr},
                   positions, draws);
}

Values Row(const Values& batch, size_t first, size_t count) {
  return {batch.begin() + static_cast<std::ptrdiff_t>(first),
          batch.begin() + static_cast<std::ptrdiff_t>(first + count)};
}

TEST(Noise, DrawsTheSameBackward) {
  for (const int64_t positions : {1, 3}) {
    const auto operation = Factors(positions, 300);
    const Values ones(static_cast<size_t>(2 * positions * 300), 1.0F);
    const auto result = OperationRun(*operation, {.rows = 2}, {.seed = 7, .step = 3})
                            .ForwardAndBackward({ones}, ones);
    EXPECT_EQ(result.dst, result.diff_srcs[0]);
  }
}

TEST(Noise, HasTheGradientOfItsForwardPass) {
  for (const int64_t positions : {1, 4}) {
    const auto operation = Both(positions, 5);
    const auto count = static_cast<size_t>(3 * positions * 5);
    OperationRun(*operation, {.rows = 3}, {.seed = 7})
        .ExpectGradientsAreDifferences({Numbers(count, 1)}, Numbers(count, 2), 0.25F, 1e-4);
  }
}

TEST(Noise, DoesNotDependOnHowABatchIsCut) {
  constexpr int64_t kRows = 7;
  for (const int64_t positions : {1, 3}) {
    for (const int64_t draws : {1, 5, 259, 600}) {
      const auto operation = Both(positions, draws);
      const auto values = static_cast<size_t>(positions * draws);
      const Values x = Numbers(kRows * values, 1);
      const auto whole =
          OperationRun(*operation, {.rows = kRows}, {.seed = 5}, 2).ForwardAndBackward({x}, x);
      for (const auto& [first, rows] : {std::pair<int64_t, int64_t>{0, 2}, {2, 4}, {6, 1}}) {
        const size_t from = static_cast<size_t>(first) * values;
        const size_t count = static_cast<size_t>(rows) * values;
        const Values part = Row(x, from, count);
        const auto result =
            OperationRun(*operation, {.rows = rows}, {.seed = 5, .first_row = first}, 2)
                .ForwardAndBackward({part}, part);
        EXPECT_EQ(result.dst, Row(whole.dst, from, count));
        EXPECT_EQ(result.diff_srcs[0], Row(whole.diff_srcs[0], from, count));
      }
    }
  }
}

TEST(Noise, GivesTheSameBitsOnAnyNumberOfThreads) {
  for (const int64_t positions : {1, 4}) {
    const auto operation = Both(positions, 67);
    const Values x = Numbers(static_cast<size_t>(500 * positions * 67), 3);
    const auto run = [&](int threads) {
      return OperationRun(*operation, {.rows = 500, .threads = threads}, {.seed = 5})
          .ForwardAndBackward({x}, x);
    };
    const auto once = run(1);
    for (const int threads : {2, 3}) {
      EXPECT_EQ(run(threads).dst, once.dst);
      EXPECT_EQ(run(threads).diff_srcs, once.diff_srcs);
    }
  }
}

TEST(Noise, IsAnotherInEachStepSeedAndPlace) {
  const auto operation = Both(1, 40);
  const std::vector<Values> x = {Numbers(40, 1)};
  const auto run = [&](const Draw& draw, uint32_t stream) {
    return OperationRun(*operation, {}, draw, stream).Forward(x);
  };
  const Values once = run({.seed = 1, .step = 1}, 1);
  EXPECT_EQ(run({.seed = 1, .step = 1}, 1), once);
  EXPECT_NE(run({.seed = 2, .step = 1}, 1), once);
  EXPECT_NE(run({.seed = 1, .step = 2}, 1), once);
  EXPECT_NE(run({.seed = 1, .step = 1}, 2), once);
}

TEST(Noise, IsOffWithoutTrainingAndOnWhereTheLayerIsFrozen) {
  const auto operation = Both(2, 40);
  const std::vector<Values> x = {Numbers(240, 1)};
  EXPECT_EQ(OperationRun(*operation, {.rows = 3, .training = false}).Forward(x), x[0]);
  EXPECT_EQ(OperationRun(*operation, {.rows = 3, .frozen = true}).Forward(x),
            OperationRun(*operation, {.rows = 3}).Forward(x));
  EXPECT_NE(OperationRun(*operation, {.rows = 3}).Forward(x), x[0]);
}

TEST(Noise, IsTheSameAtAllPositionsOfARow) {
  const auto operation = Factors(3, 10);
  const Values y = OperationRun(*operation, {.rows = 2}).Forward({Values(60, 1.0F)});
  for (const size_t row : {0, 30}) {
    EXPECT_EQ(Row(y, row, 10), Row(y, row + 10, 10));
    EXPECT_EQ(Row(y, row, 10), Row(y, row + 20, 10));
  }
  EXPECT_NE(Row(y, 0, 10), Row(y, 30, 10));
}

TEST(Noise, PassesGradientsOnWhereItOnlyAdds) {
  const auto operation = MakeNoise({.name = "noise",
                                    .purpose = base::RandomPurpose::kTest,
                                    .factors = nullptr,
                                    .summands = NormallyDistributed(0, 1)},
                                   1, 33);
  const Values d = Numbers(33, 2);
  EXPECT_EQ(OperationRun(*operation, {}).ForwardAndBackward({d}, d).diff_srcs[0], d);
}

TEST(Noise, HidesNoNaN) {
  const auto operation = MakeNoise({.name = "noise",
                                    .purpose = base::RandomPurpose::kTest,
                                    .factors = Chosen(1, 0, 1),
                                    .summands = nullptr},
                                   1, 9);
  const Values y =
      OperationRun(*operation, {}).Forward({Values(9, std::numeric_limits<float>::quiet_NaN())});
  for (const float value : y) EXPECT_TRUE(std::isnan(value));
  EXPECT_THAT(OperationRun(*operation, {}).Forward({Values(9, 1.0F)}), Each(0.0F));
}

}  // namespace
}  // namespace gradus::kernels
