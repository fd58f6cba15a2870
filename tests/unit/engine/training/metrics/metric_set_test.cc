// SPDX-License-Identifier: Apache-2.0
// What is reported when, and which tallies belong to a job.
#include "engine/training/metrics/metric_set.h"

#include <gmock/gmock.h>

#include "tests/unit/engine/training/metrics/metric_run.h"

namespace gradus::metrics {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;

class Set : public testing::Test {
 protected:
  Set() {
    google::protobuf::RepeatedPtrField<v1::Metric> list;
    list.Add()->mutable_confusion_matrix();
    list.Add()->mutable_auc();
    list.Add()->mutable_precision();
    const Scored scored = ScoredBy(BinaryLoss(), 1);
    EXPECT_TRUE(Check(list, scored).ok());
    set_ = MetricSet({list.begin(), list.end()}, scored);
    tallies_ = set_.Start();
    tallies_[1].kept = {0.5F, 1};
  }
  MetricSet set_;
  std::vector<Tally> tallies_;
};

TEST_F(Set, ReportsWhatIsDue) {
  EXPECT_THAT(set_.Figures(tallies_, 1, Occasion::kProgress, ""), ElementsAre(Key("precision")));
  EXPECT_THAT(set_.Figures(tallies_, 1, Occasion::kEpoch, "val_"),
              ElementsAre(Key("val_auc"), Key("val_precision")));
  EXPECT_THAT(set_.Figures(tallies_, 1, Occasion::kTest, "test_"),
              ElementsAre(Key("test_auc"), Key("test_confusion_matrix/0/0"),
                          Key("test_confusion_matrix/0/1"), Key("test_confusion_matrix/1/0"),
                          Key("test_confusion_matrix/1/1"), Key("test_precision")));
  EXPECT_THAT(set_.Figures(set_.Start(), 0, Occasion::kTest, ""), IsEmpty());
}

TEST_F(Set, KnowsItsOwnTallies) {
  EXPECT_TRUE(set_.Fit(tallies_, 1));
  EXPECT_FALSE(set_.Fit(tallies_, 2));
  EXPECT_TRUE(set_.Fit(set_.Start(), 0));
  tallies_[2].state.pop_back();
  EXPECT_FALSE(set_.Fit(tallies_, 1));
  EXPECT_FALSE(set_.Fit({}, 0));
}

}  // namespace
}  // namespace gradus::metrics
