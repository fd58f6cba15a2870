// SPDX-License-Identifier: Apache-2.0
// Figures of outputs that are compared with values.
#include <cmath>

#include "tests/unit/engine/training/metrics/metric_run.h"

namespace gradus::metrics {
namespace {

// Targets 1 2 3, outputs 1 2 5: errors 0 0 2.
ValueRows Line() { return {ScoredBy(SquaredLoss(), 1), {1, 2, 5}, {1, 2, 3}}; }

TEST(Regression, ErrorsAreMeansOverAllOutputs) {
  v1::Metric spec;
  spec.mutable_mean_squared_error();
  EXPECT_DOUBLE_EQ(FigureOf(spec, Line()), 4.0 / 3);
  spec.mutable_root_mean_squared_error();
  EXPECT_DOUBLE_EQ(FigureOf(spec, Line()), std::sqrt(4.0 / 3));
  spec.mutable_mean_absolute_error();
  EXPECT_DOUBLE_EQ(FigureOf(spec, Line()), 2.0 / 3);
  spec.mutable_mean_absolute_percentage_error();
  EXPECT_DOUBLE_EQ(FigureOf(spec, Line()), 100 * 2.0 / 3 / 3);
}

TEST(R2Score, ComparesTheErrorWithTheVariance) {
  v1::Metric spec;
  spec.mutable_r2_score();
  // The mean is 2, the squares around it 1 + 0 + 1.
  EXPECT_DOUBLE_EQ(FigureOf(spec, Line()), 1 - 4.0 / 2);
  EXPECT_DOUBLE_EQ(FigureOf(spec, ValueRows{ScoredBy(SquaredLoss(), 1), {1, 2, 3}, {1, 2, 3}}), 1);
  EXPECT_DOUBLE_EQ(FigureOf(spec, ValueRows{ScoredBy(SquaredLoss(), 1), {2, 2, 2}, {1, 2, 3}}), 0);
}

TEST(R2Score, IsTheMeanOverTheOutputsAndNothingWhereTargetsAreAlike) {
  v1::Metric spec;
  spec.mutable_r2_score();
  // The first output is perfect, the second has no variance to explain.
  EXPECT_DOUBLE_EQ(
      FigureOf(spec, ValueRows{ScoredBy(SquaredLoss(), 2), {1, 7, 3, 8}, {1, 5, 3, 5}}), 0.5);
}

TEST(R2Score, HoldsForTargetsFarFromNothing) {
  v1::Metric spec;
  spec.mutable_r2_score();
  const float far = 1 << 23;
  EXPECT_DOUBLE_EQ(FigureOf(spec, ValueRows{ScoredBy(SquaredLoss(), 1),
                                            {far + 1, far + 2, far + 5},
                                            {far + 1, far + 2, far + 3}}),
                   -1);
}

TEST(Regression, NaNComesThrough) {
  v1::Metric spec;
  ValueRows rows = Line();
  rows.predictions[1] = std::nanf("");
  for (const auto set : {+[](v1::Metric& m) { m.mutable_r2_score(); },
                         +[](v1::Metric& m) { m.mutable_mean_absolute_error(); },
                         +[](v1::Metric& m) { m.mutable_cosine_similarity(); },
                         +[](v1::Metric& m) { m.mutable_root_mean_squared_error(); }}) {
    set(spec);
    EXPECT_TRUE(std::isnan(FigureOf(spec, rows))) << spec.ShortDebugString();
  }
}

TEST(CosineSimilarity, OfTheSameDirectionIsOne) {
  v1::Metric spec;
  spec.mutable_cosine_similarity();
  // (3, 4) and (6, 8): 1; (1, 0) and (0, 2): 0.
  EXPECT_DOUBLE_EQ(
      FigureOf(spec, ValueRows{ScoredBy(SquaredLoss(), 2), {3, 4, 1, 0}, {6, 8, 0, 2}}), 0.5);
}

}  // namespace
}  // namespace gradus::metrics
