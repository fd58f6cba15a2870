// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/metric_series.h"

#include "gtest/gtest.h"

namespace gradus::jobs {
namespace {

v1::MetricPoint Point(int64_t epoch, double value = 0) {
  v1::MetricPoint point;
  point.set_epoch(epoch);
  point.set_value(value);
  return point;
}

TEST(MetricSeries, AShortRunKeepsEveryEpochWithItsLatestValue) {
  ThinnedSeries series;
  for (int64_t epoch = 0; epoch < 10; ++epoch) series.Add(Point(epoch, 1));
  for (int64_t epoch = 7; epoch < 12; ++epoch) series.Add(Point(epoch, 2));
  v1::MetricSeries sent;
  series.MoveTo(sent);
  ASSERT_EQ(sent.points_size(), 12);
  for (int epoch = 0; epoch < 12; ++epoch) {
    EXPECT_EQ(sent.points(epoch).epoch(), epoch);
    EXPECT_EQ(sent.points(epoch).value(), epoch < 7 ? 1 : 2);
  }
}

TEST(MetricSeries, ALongRunIsThinnedEvenlyWhileItIsReadAndKeepsItsLastPoint) {
  constexpr int64_t kEpochs = 100'001;
  ThinnedSeries series;
  for (int64_t epoch = 0; epoch < kEpochs; ++epoch) {
    series.Add(Point(epoch));
    ASSERT_LE(series.size(), ThinnedSeries::kMostPoints);
  }
  v1::MetricSeries sent;
  series.MoveTo(sent);
  EXPECT_GT(sent.points_size(), static_cast<int>(ThinnedSeries::kMostPoints) / 2);
  EXPECT_EQ(sent.points(sent.points_size() - 1).epoch(), kEpochs - 1);
  const int64_t stride = sent.points(1).epoch() - sent.points(0).epoch();
  for (int i = 1; i + 1 < sent.points_size(); ++i)
    ASSERT_EQ(sent.points(i).epoch() - sent.points(i - 1).epoch(), stride);
}

TEST(MetricSeries, AnAttemptThatWentBackFarIsThinnedLikeTheOneBefore) {
  ThinnedSeries series;
  for (int64_t epoch = 0; epoch < 20'000; ++epoch) series.Add(Point(epoch, 1));
  const size_t before = series.size();
  for (int64_t epoch = 0; epoch < 1'000; ++epoch) series.Add(Point(epoch, 2));
  EXPECT_EQ(series.size(), before);
  v1::MetricSeries sent;
  series.MoveTo(sent);
  EXPECT_EQ(sent.points(1).value(), 2);
  EXPECT_EQ(sent.points(sent.points_size() - 1).value(), 1);
}

}  // namespace
}  // namespace gradus::jobs
