// SPDX-License-Identifier: Apache-2.0
// Which epochs are kept, of sequences of figures.
#include "engine/trainer/best_epochs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace gradus::trainer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

v1::Checkpoint Spec(int keep_best, v1::MonitorMode mode = v1::MIN) {
  v1::Checkpoint spec;
  spec.set_keep_best(keep_best);
  spec.set_monitor("val_loss");
  spec.set_mode(mode);
  return spec;
}

// The steps that are kept after epochs with these figures; step 1, 2, 3 ...
std::vector<int64_t> Kept(const v1::Checkpoint& spec, const std::vector<double>& values) {
  BestEpochs best(spec);
  int64_t step = 0;
  for (const double value : values) best.Add(++step, {{"val_loss", value}, {"loss", -value}});
  std::vector<int64_t> steps;
  for (const BestEpoch& kept : best.list()) steps.push_back(kept.step);
  return steps;
}

TEST(BestEpochs, TheBestComeFirstAndTheLastFallsOut) {
  EXPECT_THAT(Kept(Spec(3), {5, 3, 4, 1, 2}), ElementsAre(4, 5, 2));
  EXPECT_THAT(Kept(Spec(3, v1::MAX), {5, 3, 4, 1, 2}), ElementsAre(1, 3, 2));
  EXPECT_THAT(Kept(Spec(3), {5, 3}), ElementsAre(2, 1));
  EXPECT_THAT(Kept(Spec(1), {3, 1, 2}), ElementsAre(2));
  EXPECT_THAT(Kept(Spec(0), {3, 1, 2}), IsEmpty());
}

TEST(BestEpochs, OfEqualOnesTheEarlierIsTheBetter) {
  EXPECT_THAT(Kept(Spec(2), {1, 1, 1}), ElementsAre(1, 2));
  EXPECT_THAT(Kept(Spec(2), {2, 1, 2, 1}), ElementsAre(2, 4));
  EXPECT_THAT(Kept(Spec(2, v1::MAX), {2, 1, 2, 2}), ElementsAre(1, 3));
}

TEST(BestEpochs, WhatIsNoFiniteNumberIsNotKept) {
  EXPECT_THAT(Kept(Spec(3), {kNan, 2, kInfinity, 1, -kInfinity, kNan}), ElementsAre(4, 2));
  EXPECT_THAT(Kept(Spec(3, v1::MAX), {kNan, kInfinity}), IsEmpty());
}

TEST(BestEpochs, AnEpochWithoutTheFigureIsNotKept) {
  BestEpochs best(Spec(2));
  EXPECT_EQ(best.Add(7, {{"loss", 0.5}}), std::nullopt);
  EXPECT_EQ(best.Add(14, {{"loss", 0.5}, {"val_loss", 0.25}}), 0.25);
  EXPECT_THAT(best.list(), ElementsAre(BestEpoch{0.25, 14}));
}

TEST(BestEpochs, SaysOfEachWhetherItIsAmongThem) {
  BestEpochs best(Spec(1));
  EXPECT_EQ(best.Add(1, {{"val_loss", 2}}), 2);
  EXPECT_EQ(best.Add(2, {{"val_loss", 2}}), std::nullopt);
  EXPECT_EQ(best.Add(3, {{"val_loss", 1}}), 1);
}

TEST(BestEpochs, GoesOnFromAList) {
  BestEpochs best(Spec(2));
  ASSERT_TRUE(best.Restore({{1, 4}, {3, 2}}).ok());
  best.Add(6, {{"val_loss", 2}});
  EXPECT_THAT(best.list(), ElementsAre(BestEpoch{1, 4}, BestEpoch{2, 6}));
}

TEST(BestEpochs, AListThatItCannotHaveMadeIsDamage) {
  for (const std::vector<BestEpoch>& list : std::vector<std::vector<BestEpoch>>{
           {{3, 1}, {1, 2}}, {{1, 1}, {2, 2}, {3, 3}}, {{kNan, 1}}, {{-kInfinity, 1}}}) {
    EXPECT_TRUE(absl::IsDataLoss(BestEpochs(Spec(2)).Restore(list)));
  }
}

}  // namespace
}  // namespace gradus::trainer
