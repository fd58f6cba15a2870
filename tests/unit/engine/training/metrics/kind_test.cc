// SPDX-License-Identifier: Apache-2.0
// A job's list of metrics.
#include "engine/training/metrics/kind.h"

#include "tests/unit/engine/training/metrics/metric_run.h"

namespace gradus::metrics {
namespace {

class MetricList : public testing::Test {
 protected:
  std::string Message() { return std::string(Check(list_, scored_).message()); }

  Scored scored_ = ScoredBy(SparseLoss(), 3);
  google::protobuf::RepeatedPtrField<v1::Metric> list_;
};

TEST_F(MetricList, MayBeEmpty) { EXPECT_EQ(Message(), ""); }

TEST_F(MetricList, NamesTheOneThatSaysNothing) {
  list_.Add()->mutable_accuracy();
  list_.Add();
  EXPECT_TRUE(Message().starts_with("[1]: nothing is not a metric; one of accuracy, auc, "))
      << Message();
}

TEST_F(MetricList, HasEachKindOnce) {
  list_.Add()->mutable_accuracy();
  EXPECT_EQ(Message(), "");
  list_.Add()->mutable_accuracy();
  EXPECT_EQ(Message(), "[1]: accuracy is there twice");
}

TEST_F(MetricList, FillsInDefaults) {
  list_.Add()->mutable_top_k_categorical_accuracy();
  EXPECT_EQ(Message(), "");
  EXPECT_EQ(list_[0].top_k_categorical_accuracy().k(), 5);
}

TEST_F(MetricList, MustFitTheLoss) {
  list_.Add()->mutable_accuracy();
  scored_ = ScoredBy(SquaredLoss(), 3);
  EXPECT_EQ(Message(), "[0].accuracy: does not fit mean_squared_error, which predicts no classes");
}

TEST_F(MetricList, MustFitTheTargets) {
  list_.Add()->mutable_r2_score();
  EXPECT_EQ(Message(),
            "[0].r2_score: does not fit sparse_categorical_crossentropy, whose targets are class "
            "numbers, 1 a row");
}

TEST_F(MetricList, IsNotForLossesThatCompareWithNothing) {
  v1::Loss loss;
  loss.mutable_triplet();
  scored_ = ScoredBy(loss, 6);
  list_.Add()->mutable_mean_squared_error();
  EXPECT_EQ(Message(),
            "[0].mean_squared_error: does not fit triplet, which compares the output with nothing");
}

TEST(HigherIsBetter, GoesByTheMetricBehindThePrefix) {
  EXPECT_EQ(HigherIsBetter("accuracy"), true);
  EXPECT_EQ(HigherIsBetter("val_accuracy"), true);
  EXPECT_EQ(HigherIsBetter("test_auc"), true);
  EXPECT_EQ(HigherIsBetter("val_mean_absolute_error"), false);
  EXPECT_EQ(HigherIsBetter("val_loss"), false);
  EXPECT_EQ(HigherIsBetter("test_confusion_matrix/0/1"), std::nullopt);
}

}  // namespace
}  // namespace gradus::metrics
