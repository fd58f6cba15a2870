// SPDX-License-Identifier: Apache-2.0
// Precision, recall, F1 and the confusion matrix of rows that are counted by hand.
#include <cmath>

#include "tests/unit/engine/training/metrics/metric_run.h"

namespace gradus::metrics {
namespace {

v1::Metric Of(v1::Metric::KindCase kind) {
  v1::Metric spec;
  if (kind == v1::Metric::kPrecision) spec.mutable_precision();
  if (kind == v1::Metric::kRecall) spec.mutable_recall();
  if (kind == v1::Metric::kF1) spec.mutable_f1();
  return spec;
}

// 3 called, of which 2 are; 4 are.
const std::vector<float> kScores = {0.9F, 0.8F, 0.7F, 0.4F, 0.3F, 0.2F};
const std::vector<float> kAnswers = {1, 1, 0, 1, 1, 0};

TEST(Calls, OfYesAndNo) {
  const Scored scored = ScoredBy(BinaryLoss(), 1);
  EXPECT_DOUBLE_EQ(FigureOf(Of(v1::Metric::kPrecision), ValueRows{scored, kScores, kAnswers}),
                   2.0 / 3);
  EXPECT_DOUBLE_EQ(FigureOf(Of(v1::Metric::kRecall), ValueRows{scored, kScores, kAnswers}),
                   2.0 / 4);
  // 2 p r / (p + r) = 2 (2/3) (1/2) / (7/6) = 4/7.
  EXPECT_DOUBLE_EQ(FigureOf(Of(v1::Metric::kF1), ValueRows{scored, kScores, kAnswers}), 4.0 / 7);
}

TEST(Calls, HaveAThreshold) {
  v1::Metric spec;
  spec.mutable_recall()->set_threshold(0.35);
  EXPECT_DOUBLE_EQ(FigureOf(spec, ValueRows{ScoredBy(BinaryLoss(), 1), kScores, kAnswers}), 0.75);
  spec.mutable_recall()->set_threshold(1.5);
  EXPECT_EQ(Find(spec)->check(spec, ScoredBy(BinaryLoss(), 1)).message(),
            "threshold: 1.5 is not a number from 0 to 1");
  spec.mutable_recall()->set_threshold(std::nan(""));
  EXPECT_FALSE(Find(spec)->check(spec, ScoredBy(BinaryLoss(), 1)).ok());
}

TEST(Calls, OfNobodyAreNothing) {
  const Scored scored = ScoredBy(BinaryLoss(), 1);
  for (const auto kind : {v1::Metric::kPrecision, v1::Metric::kRecall, v1::Metric::kF1})
    EXPECT_EQ(FigureOf(Of(kind), ValueRows{scored, {0.1F, 0.2F}, {0, 0}}), 0) << kind;
}

// Rows of classes 0 0 1 1 2, called 0 1 1 1 0.
ClassRows Classes() {
  return {
      ScoredBy(SparseLoss(), 3), {9, 1, 1, 1, 9, 1, 1, 9, 1, 1, 9, 1, 9, 1, 1}, {0, 0, 1, 1, 2}};
}

TEST(Calls, OfClassesAreTheMeanOverThem) {
  EXPECT_DOUBLE_EQ(FigureOf(Of(v1::Metric::kPrecision), Classes()), (1.0 / 2 + 2.0 / 3 + 0) / 3);
  EXPECT_DOUBLE_EQ(FigureOf(Of(v1::Metric::kRecall), Classes()), (1.0 / 2 + 2.0 / 2 + 0) / 3);
  EXPECT_DOUBLE_EQ(FigureOf(Of(v1::Metric::kF1), Classes()), (2.0 / 4 + 4.0 / 5 + 0) / 3);
}

TEST(ConfusionMatrix, HasARowForEachClassWanted) {
  v1::Metric spec;
  spec.mutable_confusion_matrix();
  const std::vector<Figure> figures = FiguresOf(spec, Classes());
  const std::vector<double> expected = {1, 1, 0, 0, 2, 0, 1, 0, 0};
  ASSERT_EQ(figures.size(), expected.size());
  for (size_t i = 0; i < figures.size(); ++i) {
    EXPECT_EQ(figures[i].value, expected[i]) << i;
    EXPECT_EQ(figures[i].suffix, "/" + std::to_string(i / 3) + "/" + std::to_string(i % 3));
  }
}

TEST(ConfusionMatrix, OfOneOutputIsBetweenNoAndYes) {
  v1::Metric spec;
  spec.mutable_confusion_matrix();
  const std::vector<Figure> figures =
      FiguresOf(spec, ValueRows{ScoredBy(BinaryLoss(), 1), kScores, kAnswers});
  const std::vector<double> expected = {1, 1, 2, 2};
  ASSERT_EQ(figures.size(), expected.size());
  for (size_t i = 0; i < figures.size(); ++i) EXPECT_EQ(figures[i].value, expected[i]) << i;
}

TEST(ConfusionMatrix, IsForAHundredClassesAtMost) {
  v1::Metric spec;
  spec.mutable_confusion_matrix();
  EXPECT_TRUE(Find(spec)->check(spec, ScoredBy(SparseLoss(), 100)).ok());
  EXPECT_EQ(Find(spec)->check(spec, ScoredBy(SparseLoss(), 101)).message(),
            "is for at most 100 classes, the model has 101");
}

}  // namespace
}  // namespace gradus::metrics
