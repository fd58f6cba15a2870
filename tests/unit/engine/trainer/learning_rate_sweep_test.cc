// SPDX-License-Identifier: Apache-2.0
// Rates that are tried, when trying ends, and what is suggested.
#include "engine/trainer/learning_rate_sweep.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

namespace gradus::trainer {
namespace {

v1::LearningRateFinder Spec() {
  v1::LearningRateFinder spec;
  spec.set_min_learning_rate(1e-4);
  spec.set_max_learning_rate(10);
  spec.set_steps(101);
  spec.set_stop_factor(4);
  return spec;
}

// The rates tried.
std::vector<double> Sweep(LearningRateSweep& sweep, const std::function<double(double)>& loss) {
  std::vector<double> rates;
  while (!sweep.done()) {
    rates.push_back(sweep.rate());
    sweep.Add(loss(sweep.rate()));
  }
  return rates;
}

TEST(LearningRateSweep, TriesRatesOfOneRatioFromTheFirstToTheLast) {
  LearningRateSweep sweep(Spec());
  const std::vector<double> rates = Sweep(sweep, [](double) { return 1.0; });
  ASSERT_EQ(rates.size(), 101U);
  EXPECT_DOUBLE_EQ(rates.front(), 1e-4);
  EXPECT_DOUBLE_EQ(rates.back(), 10);
  for (size_t i = 2; i < rates.size(); ++i)
    EXPECT_NEAR(rates[i] / rates[i - 1], rates[1] / rates[0], 1e-9);
}

TEST(LearningRateSweep, SuggestsWhereTheLossFallsFastest) {
  // Falls most at 0.01, is least near 0.1 and rises from there.
  LearningRateSweep sweep(Spec());
  Sweep(sweep, [](double rate) {
    const double x = std::log10(rate);
    return 2 - std::tanh(4 * (x + 2)) + 10 * std::max(0.0, x + 0.5);
  });
  ASSERT_TRUE(sweep.Suggestion().has_value());
  // The average lags behind by some steps.
  EXPECT_GT(*sweep.Suggestion(), 0.008);
  EXPECT_LT(*sweep.Suggestion(), 0.04);
}

TEST(LearningRateSweep, EndsWhenTheLossHasGone) {
  LearningRateSweep sweep(Spec());
  const std::vector<double> rates =
      Sweep(sweep, [](double rate) { return rate < 0.1 ? 1.0 : 1000.0; });
  EXPECT_LT(rates.back(), 0.2);
  LearningRateSweep other(Spec());
  EXPECT_LT(
      Sweep(other,
            [](double rate) { return rate < 0.1 ? 1.0 : std::numeric_limits<double>::quiet_NaN(); })
          .back(),
      0.2);
}

TEST(LearningRateSweep, SuggestsNothingWhereNothingHelps) {
  LearningRateSweep sweep(Spec());
  Sweep(sweep, [](double rate) { return 1 + rate; });
  EXPECT_FALSE(sweep.Suggestion().has_value());
}

}  // namespace
}  // namespace gradus::trainer
