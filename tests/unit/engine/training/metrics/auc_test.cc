// SPDX-License-Identifier: Apache-2.0
// Areas worked out by hand.
#include <cmath>
#include <limits>

#include "tests/unit/engine/training/metrics/metric_run.h"

namespace gradus::metrics {
namespace {

double Auc(v1::Auc::Curve curve, std::vector<float> scores, std::vector<float> targets) {
  v1::Metric spec;
  spec.mutable_auc()->set_curve(curve);
  return FigureOf(spec,
                  ValueRows{ScoredBy(BinaryLoss(), 1), std::move(scores), std::move(targets)});
}

TEST(Auc, IsTheShareOfPairsThatAreInOrder) {
  // 0.8 beats 0.4 and 0.1, 0.35 beats 0.1 alone: 3 of 4.
  EXPECT_EQ(Auc(v1::Auc::ROC, {0.1F, 0.4F, 0.35F, 0.8F}, {0, 0, 1, 1}), 0.75);
  EXPECT_EQ(Auc(v1::Auc::ROC, {0.1F, 0.2F, 0.8F, 0.9F}, {0, 0, 1, 1}), 1);
  EXPECT_EQ(Auc(v1::Auc::ROC, {0.1F, 0.2F, 0.8F, 0.9F}, {1, 1, 0, 0}), 0);
}

TEST(Auc, CountsATieAsHalfAPair) {
  EXPECT_EQ(Auc(v1::Auc::ROC, {0.5F, 0.5F, 0.5F, 0.5F}, {0, 1, 0, 1}), 0.5);
  // Positives 0.8, 0.5; negatives 0.5, 0.2: 1 + 1 + 1/2 + 1 of 4.
  EXPECT_EQ(Auc(v1::Auc::ROC, {0.8F, 0.5F, 0.5F, 0.2F}, {1, 1, 0, 0}), 3.5 / 4);
}

TEST(Auc, UnderPrecisionOverRecallIsDavisAndGoadrichs) {
  // Recall 0 to 1/2 at precision 1; then one negative: at (TP, FP) = (1, 1); then one positive: the
  // integral of (1 + t) / (2 + t) over t from 0 to 1 is 1 - ln(3/2).
  EXPECT_NEAR(Auc(v1::Auc::PR, {0.8F, 0.4F, 0.35F, 0.1F}, {1, 0, 1, 0}),
              (1 + 1 - std::log(1.5)) / 2, 1e-12);
  // All tied: precision is the share of positives at every recall.
  EXPECT_NEAR(Auc(v1::Auc::PR, {0.5F, 0.5F, 0.5F, 0.5F}, {1, 0, 0, 0}), 0.25, 1e-12);
  EXPECT_NEAR(Auc(v1::Auc::PR, {0.9F, 0.8F, 0.2F}, {1, 1, 0}), 1, 1e-12);
}

TEST(Auc, OfTargetsThatAreAllAlikeIsNothing) {
  EXPECT_EQ(Auc(v1::Auc::ROC, {0.9F, 0.1F}, {1, 1}), 0);
  EXPECT_EQ(Auc(v1::Auc::ROC, {0.9F, 0.1F}, {0, 0}), 0);
  EXPECT_EQ(Auc(v1::Auc::PR, {0.9F, 0.1F}, {1, 1}), 0);
}

TEST(Auc, OfAScoreThatIsNoNumberIsNone) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(Auc(v1::Auc::ROC, {0.9F, nan}, {1, 0})));
}

TEST(Auc, RefusesCurvesThatItDoesNotKnow) {
  v1::Metric spec;
  spec.mutable_auc()->set_curve(static_cast<v1::Auc::Curve>(7));
  EXPECT_EQ(Find(spec)->check(spec, ScoredBy(BinaryLoss(), 1)).message(),
            "curve: 7 is not ROC or PR");
}

}  // namespace
}  // namespace gradus::metrics
