// SPDX-License-Identifier: Apache-2.0
// What counts as right.
#include <gtest/gtest.h>

#include "engine/training/metrics/kind.h"

namespace gradus::metrics {
namespace {

double Accuracy(losses::Scoring scoring, losses::TargetForm form, std::vector<float> predictions,
                const void* targets, int64_t rows, bool logits = false) {
  v1::Metric spec;
  spec.mutable_accuracy();
  void* prediction_pointer = predictions.data();
  void* target_pointer = const_cast<void*>(targets);  // only read
  double sum = -1;
  const auto kernel =
      Find(spec)->lower(spec, {.predictions = &prediction_pointer,
                               .targets = &target_pointer,
                               .sum = &sum,
                               .rows = rows,
                               .width = static_cast<int64_t>(predictions.size()) / rows,
                               .logits = logits,
                               .scoring = scoring,
                               .form = form});
  EXPECT_TRUE(kernel->Run().ok());
  return sum;
}

TEST(Accuracy, OfEqualsTheLowestClassIsPredicted) {
  const std::vector<int32_t> labels = {0, 1, 2};
  EXPECT_EQ(Accuracy(losses::Scoring::kArgmax, losses::TargetForm::kClass,
                     {1, 1, 0, 1, 1, 0, 0, 0, 5}, labels.data(), 3),
            2);
}

TEST(Accuracy, OfADistributionTheLargestIsWanted) {
  const std::vector<float> targets = {0.2F, 0.5F, 0.3F, 0.4F, 0.3F, 0.3F};
  EXPECT_EQ(Accuracy(losses::Scoring::kArgmax, losses::TargetForm::kDistribution,
                     {0, 9, 0, 0, 0, 1}, targets.data(), 2),
            1);
}

TEST(Accuracy, OfOutputsIsTheShareThatIsOnTheRightSide) {
  const std::vector<float> targets = {1, 0, 1, 0};
  // One half itself says no.
  EXPECT_EQ(Accuracy(losses::Scoring::kThreshold, losses::TargetForm::kValues,
                     {0.6F, 0.5F, 0.4F, 0.4F}, targets.data(), 1),
            0.75);
  EXPECT_EQ(Accuracy(losses::Scoring::kThreshold, losses::TargetForm::kValues,
                     {0.1F, -0.1F, 0.1F, 0.1F}, targets.data(), 1, true),
            0.75);
}

TEST(Accuracy, OfATargetBetweenYesAndNoNothingIsRight) {
  const std::vector<float> targets = {0.5F, 0.25F};
  EXPECT_EQ(Accuracy(losses::Scoring::kThreshold, losses::TargetForm::kValues, {0.9F, 0.1F},
                     targets.data(), 1),
            0);
}

}  // namespace
}  // namespace gradus::metrics
