// SPDX-License-Identifier: Apache-2.0
// When a stage ends, and which weights it keeps.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/training/callbacks/kind.h"

namespace gradus::callbacks {
namespace {

v1::Callback Make(void (*change)(v1::EarlyStopping&)) {
  v1::Callback callback;
  change(*callback.mutable_early_stopping());
  const std::vector<std::string> names = {"val_loss", "loss", "accuracy"};
  EXPECT_TRUE(Find(callback)->check(callback, names).ok());
  return callback;
}

// 'k' where the weights are kept, 's' where the stage ends, '.' elsewhere.
std::string Told(const v1::Callback& callback, const std::string& name,
                 const std::vector<double>& values) {
  const CallbackKind& kind = *Find(callback);
  std::vector<double> state = kind.start(callback);
  std::string told;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::map<std::string, double> figures = {{name, values[i]}};
    const Verdict verdict =
        kind.after_epoch(callback, {static_cast<int64_t>(i), figures, 0.1}, std::span(state));
    told += verdict.end_stage ? 's' : verdict.keep_weights ? 'k' : '.';
    EXPECT_EQ(verdict.note.empty(), !verdict.end_stage);
    EXPECT_FALSE(verdict.learning_rate.has_value());
  }
  return told;
}

TEST(EarlyStopping, EndsAfterPatienceEpochsWithoutImprovement) {
  const v1::Callback callback = Make([](v1::EarlyStopping& spec) { spec.set_patience(2); });
  EXPECT_EQ(Told(callback, "val_loss", {1, 0.9, 0.95, 0.8, 0.8, 0.81}), ".....s");
}

TEST(EarlyStopping, KeepsTheBestWeightsWhereAsked) {
  const v1::Callback callback = Make([](v1::EarlyStopping& spec) {
    spec.set_patience(2);
    spec.set_restore_best_weights(true);
  });
  EXPECT_EQ(Told(callback, "val_loss", {1, 0.9, 0.95, 0.8, 0.9, 0.9}), "kk.k.s");
}

TEST(EarlyStopping, KnowsWhichWayAMetricIsBetter) {
  const v1::Callback callback = Make([](v1::EarlyStopping& spec) {
    spec.set_monitor("accuracy");
    spec.set_patience(1);
  });
  EXPECT_EQ(callback.early_stopping().mode(), v1::MAX);
  EXPECT_EQ(Told(callback, "accuracy", {0.5, 0.6, 0.7, 0.6}), "...s");
}

TEST(EarlyStopping, CountsOnlyImprovementsBeyondMinDeltaAndBaseline) {
  EXPECT_EQ(Told(Make([](v1::EarlyStopping& spec) {
                   spec.set_patience(1);
                   spec.set_min_delta(0.1);
                 }),
                 "val_loss", {1, 0.95}),
            ".s");
  // 0.8 and 0.7 improve on what was, but not on the baseline: the third epoch's own wait ends it.
  EXPECT_EQ(Told(Make([](v1::EarlyStopping& spec) {
                   spec.set_patience(3);
                   spec.set_baseline(0.5);
                 }),
                 "val_loss", {0.8, 0.7, 0.75}),
            "..s");
}

TEST(EarlyStopping, LooksOnUntilItsFirstEpochAndWhereThereIsNoFigure) {
  const v1::Callback callback = Make([](v1::EarlyStopping& spec) {
    spec.set_patience(1);
    spec.set_start_from_epoch(2);
  });
  EXPECT_EQ(Told(callback, "val_loss", {1, 2, 3, 4}), "...s");
  EXPECT_EQ(Told(callback, "loss", {1, 2, 3, 4}), "....");
}

TEST(EarlyStopping, TakesNoNumberForNoImprovement) {
  const v1::Callback callback = Make([](v1::EarlyStopping& spec) { spec.set_patience(1); });
  EXPECT_EQ(Told(callback, "val_loss", {1, NAN}), ".s");
}

}  // namespace
}  // namespace gradus::callbacks
