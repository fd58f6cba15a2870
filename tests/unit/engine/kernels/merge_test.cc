// SPDX-License-Identifier: Apache-2.0
// Merges of two and of many sources: their results, and the gradient of each source.
#include "engine/kernels/merge.h"

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
using ::testing::ElementsAre;

const std::vector<const Merge*> kAll = {&kSum,  &kDifference, &kProduct,
                                        &kMean, &kLargest,    &kSmallest};

// No two are nearer to each other than 0.01 at any place: extremes have a gradient there.
std::vector<Values> Sources(size_t sources, size_t count) {
  std::vector<Values> srcs;
  for (size_t i = 0; i < sources; ++i) {
    srcs.push_back(Numbers(count, static_cast<uint32_t>(i + 1)));
    for (float& value : srcs.back())
      value = std::round(value * 20) / 20 + 0.01F * static_cast<float>(i);
  }
  return srcs;
}

TEST(Merge, GivesWhatItsNameSays) {
  const std::vector<Values> srcs = {{1, -2}, {4, 8}, {-2, 5}};
  const auto run = [&](const Merge& merge) {
    return OperationRun(*MakeMerge(merge, 2), {}).Forward(srcs);
  };
  EXPECT_THAT(run(kSum), ElementsAre(3, 11));
  EXPECT_THAT(run(kDifference), ElementsAre(-1, -15));
  EXPECT_THAT(run(kProduct), ElementsAre(-8, -80));
  EXPECT_THAT(run(kMean), ElementsAre(1, 11.0F / 3));
  EXPECT_THAT(run(kLargest), ElementsAre(4, 8));
  EXPECT_THAT(run(kSmallest), ElementsAre(-2, -2));
}

TEST(Merge, HasTheGradientsOfItsForwardPass) {
  for (const Merge* merge : kAll) {
    for (const size_t sources : {2, 3, 5}) {
      SCOPED_TRACE(testing::Message() << merge->name << " of " << sources);
      OperationRun(*MakeMerge(*merge, 9), {.rows = 3})
          .ExpectGradientsAreDifferences(Sources(sources, 27), Numbers(27, 99), 1e-3F, 1e-3);
    }
  }
}

TEST(Merge, LeavesOutGradientsThatNobodyWants) {
  for (const Merge* merge : kAll) {
    SCOPED_TRACE(merge->name);
    const auto operation = MakeMerge(*merge, 50);
    const auto srcs = Sources(4, 50);
    const Values d = Numbers(50, 9);
    const auto all = OperationRun(*operation, {}).ForwardAndBackward(srcs, d);
    const auto some = OperationRun(*operation, {}).ForwardAndBackward(srcs, d, {0, 2});
    EXPECT_EQ(some.diff_srcs[1], all.diff_srcs[1]);
    EXPECT_EQ(some.diff_srcs[3], all.diff_srcs[3]);
    for (const size_t src : {0, 2}) {
      for (const float value : some.diff_srcs[src]) EXPECT_TRUE(std::isnan(value));
    }
  }
}

TEST(Merge, GivesTheSameBitsOnAnyNumberOfThreads) {
  for (const Merge* merge : kAll) {
    const auto operation = MakeMerge(*merge, 67);
    const auto srcs = Sources(3, 67'000);
    const auto run = [&](int threads) {
      return OperationRun(*operation, {.rows = 1000, .threads = threads})
          .ForwardAndBackward(srcs, srcs[1]);
    };
    const auto once = run(1);
    EXPECT_EQ(run(3).dst, once.dst);
    EXPECT_EQ(run(3).diff_srcs, once.diff_srcs);
  }
}

TEST(Merge, ExtremesGiveTheGradientToTheFirstThatAttainsThem) {
  const std::vector<Values> srcs = {{1, 2, 0}, {2, 2, 0}, {2, 1, 0}};
  const auto largest =
      OperationRun(*MakeMerge(kLargest, 3), {}).ForwardAndBackward(srcs, {5, 6, 7});
  EXPECT_THAT(largest.diff_srcs,
              ElementsAre(ElementsAre(0, 6, 7), ElementsAre(5, 0, 0), ElementsAre(0, 0, 0)));
  const auto smallest =
      OperationRun(*MakeMerge(kSmallest, 3), {}).ForwardAndBackward(srcs, {5, 6, 7});
  EXPECT_THAT(smallest.diff_srcs,
              ElementsAre(ElementsAre(5, 0, 7), ElementsAre(0, 0, 0), ElementsAre(0, 6, 0)));
}

TEST(Merge, HidesNoNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Merge* merge : kAll) {
    const Values y =
        OperationRun(*MakeMerge(*merge, 3), {}).Forward({{nan, 1, 1}, {1, nan, 1}, {1, 1, nan}});
    for (const float value : y) EXPECT_TRUE(std::isnan(value)) << merge->name;
  }
}

TEST(Merge, TakesTheSameSourceTwiceAndAThousand) {
  const Values x = Numbers(20, 1);
  const auto square =
      OperationRun(*MakeMerge(kProduct, 20), {}).ForwardAndBackward({x, x}, Values(20, 1.0F));
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(square.dst[i], x[i] * x[i]);
  EXPECT_EQ(square.diff_srcs[0], x);
  EXPECT_EQ(square.diff_srcs[1], x);
  const std::vector<Values> many(1000, Values(20, 0.5F));
  EXPECT_THAT(OperationRun(*MakeMerge(kSum, 20), {}).Forward(many), Each(500.0F));
}

}  // namespace
}  // namespace gradus::kernels
