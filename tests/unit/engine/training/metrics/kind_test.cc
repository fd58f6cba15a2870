// SPDX-License-Identifier: Apache-2.0
// A job's list of metrics.
#include "engine/training/metrics/kind.h"

#include <gtest/gtest.h>

namespace gradus::metrics {
namespace {

class MetricList : public testing::Test {
 protected:
  std::string Message() const { return std::string(Check(list_, *losses::Find(loss_)).message()); }

  MetricList() { loss_.mutable_sparse_categorical_crossentropy(); }
  v1::Loss loss_;
  google::protobuf::RepeatedPtrField<v1::Metric> list_;
};

TEST_F(MetricList, MayBeEmpty) { EXPECT_EQ(Message(), ""); }

TEST_F(MetricList, NamesTheOneThatSaysNothing) {
  list_.Add()->mutable_accuracy();
  list_.Add();
  EXPECT_EQ(Message(), "[1]: nothing is not a metric; one of accuracy");
}

TEST_F(MetricList, HasEachKindOnce) {
  list_.Add()->mutable_accuracy();
  EXPECT_EQ(Message(), "");
  list_.Add()->mutable_accuracy();
  EXPECT_EQ(Message(), "[1]: accuracy is there twice");
}

TEST_F(MetricList, MustFitTheLoss) {
  list_.Add()->mutable_accuracy();
  loss_.mutable_mean_squared_error();
  EXPECT_EQ(Message(), "[0].accuracy: does not fit mean_squared_error, which predicts no classes");
}

}  // namespace
}  // namespace gradus::metrics
