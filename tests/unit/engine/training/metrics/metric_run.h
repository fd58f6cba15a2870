// SPDX-License-Identifier: Apache-2.0
// A metric's figures of a few rows.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "engine/training/metrics/metric_set.h"

namespace gradus::metrics {

inline v1::Loss SparseLoss() {
  v1::Loss loss;
  loss.mutable_sparse_categorical_crossentropy();
  return loss;
}
inline v1::Loss CategoricalLoss() {
  v1::Loss loss;
  loss.mutable_categorical_crossentropy();
  return loss;
}
inline v1::Loss BinaryLoss() {
  v1::Loss loss;
  loss.mutable_binary_crossentropy();
  return loss;
}
inline v1::Loss SquaredLoss() {
  v1::Loss loss;
  loss.mutable_mean_squared_error();
  return loss;
}

inline Scored ScoredBy(v1::Loss loss, int64_t width) {
  const losses::LossKind& kind = *losses::Find(loss);
  EXPECT_TRUE(kind.check(loss).ok());
  return {.loss = &kind, .target = kind.target(loss, {&width, 1}).value(), .width = width};
}

// Rows as a plan gives them to a metric.
template <typename Target>
struct GivenRows {
  Scored scored;
  std::vector<float> predictions;
  std::vector<Target> targets;
  bool logits = false;
};

template <typename Target>
std::vector<Figure> FiguresOf(v1::Metric spec, GivenRows<Target> rows) {
  EXPECT_EQ(Find(spec)->check(spec, rows.scored), absl::OkStatus());
  const MetricSet set({spec}, rows.scored);
  const int64_t count = static_cast<int64_t>(rows.predictions.size()) / rows.scored.width;
  Tally part = set.PartOf(0, count);
  void* predictions = rows.predictions.data();
  void* targets = rows.targets.data();
  const auto kernel = set.kind(0).lower(spec, {.predictions = &predictions,
                                               .targets = &targets,
                                               .state = part.state.data(),
                                               .kept = part.kept.data(),
                                               .rows = count,
                                               .width = rows.scored.width,
                                               .logits = rows.logits,
                                               .scoring = rows.scored.loss->scoring,
                                               .form = rows.scored.target.form});
  EXPECT_TRUE(kernel->Run().ok());
  std::vector<Tally> tallies = set.Start();
  set.Merge({&part, 1}, tallies);
  return set.FiguresOf(0, tallies[0], count);
}

template <typename Target>
double FigureOf(const v1::Metric& spec, GivenRows<Target> rows) {
  const std::vector<Figure> figures = FiguresOf(spec, std::move(rows));
  EXPECT_EQ(figures.size(), 1u);
  return figures[0].value;
}

using ClassRows = GivenRows<int32_t>;
using ValueRows = GivenRows<float>;

}  // namespace gradus::metrics
