// SPDX-License-Identifier: Apache-2.0
// When the learning rate falls, and how far.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/training/callbacks/kind.h"

namespace gradus::callbacks {
namespace {

using ::testing::ElementsAre;

// The learning rate after each epoch.
std::vector<double> Rates(void (*change)(v1::ReduceOnPlateau&), const std::vector<double>& losses) {
  v1::Callback callback;
  change(*callback.mutable_reduce_on_plateau());
  const std::vector<std::string> names = {"loss"};
  const CallbackKind& kind = *Find(callback);
  EXPECT_TRUE(kind.check(callback, names).ok());
  std::vector<double> state = kind.start(callback);
  std::vector<double> rates;
  double rate = 1;
  for (size_t i = 0; i < losses.size(); ++i) {
    const std::map<std::string, double> figures = {{"loss", losses[i]}};
    const Verdict verdict =
        kind.after_epoch(callback, {static_cast<int64_t>(i), figures, rate}, std::span(state));
    rate = verdict.learning_rate.value_or(rate);
    rates.push_back(rate);
    EXPECT_FALSE(verdict.end_stage);
  }
  return rates;
}

TEST(ReduceOnPlateau, LowersTheRateAfterPatienceEpochs) {
  EXPECT_THAT(Rates(
                  [](v1::ReduceOnPlateau& spec) {
                    spec.set_patience(2);
                    spec.set_factor(0.5);
                  },
                  {1, 1, 1, 1, 1, 0.5, 0.5}),
              ElementsAre(1, 1, 0.5, 0.5, 0.25, 0.25, 0.25));
}

TEST(ReduceOnPlateau, LeavesItAloneInTheCooldown) {
  EXPECT_THAT(Rates(
                  [](v1::ReduceOnPlateau& spec) {
                    spec.set_patience(1);
                    spec.set_factor(0.5);
                    spec.set_cooldown(2);
                  },
                  {1, 1, 1, 1, 1}),
              ElementsAre(1, 0.5, 0.5, 0.25, 0.25));
}

TEST(ReduceOnPlateau, StopsAtTheLeastRate) {
  EXPECT_THAT(Rates(
                  [](v1::ReduceOnPlateau& spec) {
                    spec.set_patience(1);
                    spec.set_factor(0.5);
                    spec.set_min_learning_rate(0.4);
                  },
                  {1, 1, 1, 1}),
              ElementsAre(1, 0.5, 0.4, 0.4));
}

TEST(ReduceOnPlateau, SmallImprovementsAreNone) {
  EXPECT_THAT(Rates([](v1::ReduceOnPlateau& spec) { spec.set_patience(1); }, {1, 0.99995, 0.99}),
              ElementsAre(1, 0.1, 0.1));
}

}  // namespace
}  // namespace gradus::callbacks
