// SPDX-License-Identifier: Apache-2.0
// Every loss: value and gradient are those of its double-precision reference, and stay finite where
// nothing else would.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/conformance/agreement.h"
#include "tests/conformance/draws.h"
#include "tests/conformance/loss_run.h"

namespace gradus::conformance {
namespace {

class Losses : public testing::TestWithParam<const losses::LossKind*> {
 protected:
  void SetUp() override {
    cases_ = CasesOf(*GetParam());
    ASSERT_FALSE(cases_.empty());
  }

  static Targets TargetsOf(const LossCase& tested) {
    return DrawTargets(tested.target, tested.kind->scoring, tested.rows, 2);
  }
  // Value and gradient against the reference.
  static void Check(const LossCase& tested, const std::vector<float>& predictions,
                    const Targets& targets);

  std::vector<LossCase> cases_;
};

void Losses::Check(const LossCase& tested, const std::vector<float>& predictions,
                   const Targets& targets) {
  const LossResult found = RunLoss(tested, predictions, targets, true);
  const auto width = static_cast<size_t>(tested.width);
  double sum = 0;
  double magnitude = 0;
  std::vector<Gradient> rows;
  for (int64_t row = 0; row < tested.rows; ++row) {
    std::vector<double> point =
        Doubles(RowOf(std::span<const float>(predictions), static_cast<size_t>(row), width));
    const std::vector<double> target = targets.Row(row);
    const double value = tested.kind->reference(tested.spec, tested.logits, point, target);
    sum += value;
    magnitude += std::abs(value);
    const auto mean_part = [&] {
      return tested.kind->reference(tested.spec, tested.logits, point, target) /
             static_cast<double>(tested.rows);
    };
    rows.push_back(GradientOf(mean_part, point, width, 0));
  }
  EXPECT_TRUE(Agrees(found.sum, sum, kTolerance * magnitude + kNothing));
  double largest = 0;
  for (const Gradient& row : rows) largest = std::max(largest, row.Largest());
  for (size_t row = 0; row < rows.size(); ++row) {
    EXPECT_TRUE(
        Agree(RowOf(std::span<const float>(found.gradient), row, width), rows[row], largest))
        << "row " << row;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Losses,
                         testing::ValuesIn(losses::Table().begin(), losses::Table().end()),
                         [](const auto& tested) { return losses::Word(*tested.param); });

TEST_P(Losses, HaveTheReferencesValueAndGradient) {
  for (const LossCase& tested : cases_) {
    SCOPED_TRACE(tested.name);
    Check(tested, DrawPredictions(tested, 1), TargetsOf(tested));
  }
}

TEST_P(Losses, AreFiniteAndRightForExtremeLogits) {
  for (const LossCase& tested : cases_) {
    if (!tested.logits) continue;
    SCOPED_TRACE(tested.name);
    std::vector<float> predictions = DrawPredictions(tested, 3);
    for (float& value : predictions) value = value < 0 ? -1e4F : 1e4F;
    const LossResult found = RunLoss(tested, predictions, TargetsOf(tested), true);
    EXPECT_TRUE(std::isfinite(found.sum));
    for (const float value : found.gradient) EXPECT_TRUE(std::isfinite(value));
    Check(tested, predictions, TargetsOf(tested));
  }
}

// Activations may round to 0 and 1.
TEST_P(Losses, AreFiniteForProbabilitiesThatAreNoneOrAll) {
  for (const LossCase& tested : cases_) {
    if (!tested.wants_probabilities()) continue;
    SCOPED_TRACE(tested.name);
    std::vector<float> predictions = DrawPredictions(tested, 4);
    for (float& value : predictions) value = value < 0.5F ? 0.0F : 1.0F;
    for (const float one : {0.0F, 1.0F}) {
      predictions[0] = one;
      const LossResult found = RunLoss(tested, predictions, TargetsOf(tested), true);
      EXPECT_TRUE(std::isfinite(found.sum));
      for (const float value : found.gradient) EXPECT_TRUE(std::isfinite(value));
    }
  }
}

TEST_P(Losses, HaveTheSameValueWithoutTheGradientAndTheSameBitsAgain) {
  for (const LossCase& tested : cases_) {
    SCOPED_TRACE(tested.name);
    const std::vector<float> predictions = DrawPredictions(tested, 1);
    const Targets targets = TargetsOf(tested);
    const LossResult found = RunLoss(tested, predictions, targets, true);
    EXPECT_EQ(RunLoss(tested, predictions, targets, true), found);
    EXPECT_EQ(RunLoss(tested, predictions, targets, false).sum, found.sum);
  }
}

}  // namespace
}  // namespace gradus::conformance
