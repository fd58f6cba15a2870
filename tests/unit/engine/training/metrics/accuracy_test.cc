// SPDX-License-Identifier: Apache-2.0
// What counts as right.
#include "tests/unit/engine/training/metrics/metric_run.h"

namespace gradus::metrics {
namespace {

v1::Metric Accuracy() {
  v1::Metric spec;
  spec.mutable_accuracy();
  return spec;
}

TEST(Accuracy, OfEqualsTheLowestClassIsPredicted) {
  EXPECT_EQ(FigureOf(Accuracy(),
                     ClassRows{ScoredBy(SparseLoss(), 3), {1, 1, 0, 1, 1, 0, 0, 0, 5}, {0, 1, 2}}),
            2.0 / 3);
}

TEST(Accuracy, OfADistributionTheLargestIsWanted) {
  EXPECT_EQ(FigureOf(Accuracy(), ValueRows{ScoredBy(CategoricalLoss(), 3),
                                           {0, 9, 0, 0, 0, 1},
                                           {0.2F, 0.5F, 0.3F, 0.4F, 0.3F, 0.3F}}),
            0.5);
}

TEST(Accuracy, OfOutputsIsTheShareThatIsOnTheRightSide) {
  // One half itself says no.
  EXPECT_EQ(FigureOf(Accuracy(),
                     ValueRows{ScoredBy(BinaryLoss(), 4), {0.6F, 0.5F, 0.4F, 0.4F}, {1, 0, 1, 0}}),
            0.75);
  EXPECT_EQ(
      FigureOf(Accuracy(),
               ValueRows{ScoredBy(BinaryLoss(), 4), {0.1F, -0.1F, 0.1F, 0.1F}, {1, 0, 1, 0}, true}),
      0.75);
}

TEST(Accuracy, OfATargetBetweenYesAndNoNothingIsRight) {
  EXPECT_EQ(FigureOf(Accuracy(), ValueRows{ScoredBy(BinaryLoss(), 2), {0.9F, 0.1F}, {0.5F, 0.25F}}),
            0);
}

TEST(BinaryAccuracy, HasAThresholdOfItsOwnForLogitsToo) {
  v1::Metric spec;
  spec.mutable_binary_accuracy()->set_threshold(0.7);
  const Scored scored = ScoredBy(BinaryLoss(), 1);
  EXPECT_EQ(FigureOf(spec, ValueRows{scored, {0.6F, 0.8F, 0.6F, 0.8F}, {0, 1, 1, 0}}), 0.5);
  // The logit of 0.7 is 0.847.
  EXPECT_EQ(FigureOf(spec, ValueRows{scored, {0.8F, 0.9F}, {0, 1}, true}), 1);
}

TEST(TopKCategoricalAccuracy, OfEqualsTheLowerClassComesFirst) {
  v1::Metric spec;
  spec.mutable_top_k_categorical_accuracy()->set_k(2);
  // The first two are classes 3 and 0: 1 and 2 are as large as 0.
  const Scored scored = ScoredBy(SparseLoss(), 4);
  const std::vector<float> row = {1, 1, 1, 2};
  for (int32_t wanted = 0; wanted < 4; ++wanted) {
    EXPECT_EQ(FigureOf(spec, ClassRows{scored, row, {wanted}}), wanted == 0 || wanted == 3 ? 1 : 0)
        << wanted;
  }
}

TEST(TopKCategoricalAccuracy, OfFewerClassesAllAreAmongThem) {
  v1::Metric spec;
  spec.mutable_top_k_categorical_accuracy();
  EXPECT_EQ(FigureOf(spec, ClassRows{ScoredBy(SparseLoss(), 3), {3, 2, 1}, {2}}), 1);
}

}  // namespace
}  // namespace gradus::metrics
