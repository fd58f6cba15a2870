// SPDX-License-Identifier: Apache-2.0
// Each formula against numbers worked out by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/training/schedules/kind.h"

namespace gradus::schedules {
namespace {

class Formulas : public testing::Test {
 protected:
  double At(int64_t step) {
    EXPECT_TRUE(Check(spec_).ok());
    return Rate(spec_, {.learning_rate = learning_rate_, .step = step, .total_steps = 10});
  }

  v1::Schedule spec_;
  double learning_rate_ = 1;
};

TEST_F(Formulas, ExponentialDecayHalvesInEveryStretch) {
  v1::ExponentialDecay& spec = *spec_.mutable_exponential_decay();
  spec.set_decay_steps(10);
  spec.set_decay_rate(0.5);
  learning_rate_ = 0.1;
  EXPECT_DOUBLE_EQ(At(0), 0.1);
  EXPECT_DOUBLE_EQ(At(5), 0.1 * std::sqrt(0.5));
  EXPECT_DOUBLE_EQ(At(20), 0.025);
  spec.set_staircase(true);
  EXPECT_DOUBLE_EQ(At(9), 0.1);
  EXPECT_DOUBLE_EQ(At(10), 0.05);
}

TEST_F(Formulas, InverseTimeDecayDividesByAGrowingNumber) {
  v1::InverseTimeDecay& spec = *spec_.mutable_inverse_time_decay();
  spec.set_decay_steps(10);
  spec.set_decay_rate(0.5);
  EXPECT_DOUBLE_EQ(At(20), 0.5);
  EXPECT_DOUBLE_EQ(At(5), 1 / 1.25);
  spec.set_staircase(true);
  EXPECT_DOUBLE_EQ(At(19), 1 / 1.5);
}

TEST_F(Formulas, PiecewiseConstantsBoundariesBelongToTheStretchBeforeThem) {
  v1::PiecewiseConstant& spec = *spec_.mutable_piecewise_constant();
  for (const int64_t boundary : {100, 110}) spec.add_boundaries(boundary);
  for (const double value : {1.0, 0.5, 0.1}) spec.add_values(value);
  EXPECT_EQ(At(100), 1);
  EXPECT_EQ(At(101), 0.5);
  EXPECT_EQ(At(110), 0.5);
  EXPECT_EQ(At(111), 0.1);
}

TEST_F(Formulas, PolynomialDecayEndsAtItsEndOrBeginsAnew) {
  v1::PolynomialDecay& spec = *spec_.mutable_polynomial_decay();
  spec.set_end_learning_rate(0.1);
  EXPECT_DOUBLE_EQ(At(5), 0.55) << "over all steps";
  spec.set_decay_steps(8);
  spec.set_power(0.5);
  EXPECT_DOUBLE_EQ(At(6), 0.55);
  EXPECT_DOUBLE_EQ(At(9), 0.1);
  spec.set_power(1);
  spec.set_cycle(true);
  EXPECT_DOUBLE_EQ(At(0), 1);
  EXPECT_DOUBLE_EQ(At(8), 0.1);
  EXPECT_DOUBLE_EQ(At(12), 0.9 * 0.25 + 0.1);
}

TEST_F(Formulas, CosineDecayStaysAtAlpha) {
  v1::CosineDecay& spec = *spec_.mutable_cosine_decay();
  spec.set_alpha(0.2);
  EXPECT_DOUBLE_EQ(At(0), 1);
  EXPECT_DOUBLE_EQ(At(5), 0.6) << "over all steps";
  EXPECT_DOUBLE_EQ(At(10), 0.2);
  EXPECT_DOUBLE_EQ(At(1000), 0.2);
  spec.set_decay_steps(20);
  EXPECT_DOUBLE_EQ(At(10), 0.6);
}

TEST_F(Formulas, CosineDecayRestartsLongerAndLower) {
  v1::CosineDecayRestarts& spec = *spec_.mutable_cosine_decay_restarts();
  spec.set_first_decay_steps(2);
  spec.set_m_mul(0.5);
  EXPECT_DOUBLE_EQ(At(0), 1);
  EXPECT_DOUBLE_EQ(At(1), 0.5);
  EXPECT_DOUBLE_EQ(At(2), 0.5);
  EXPECT_DOUBLE_EQ(At(4), 0.25);
  EXPECT_DOUBLE_EQ(At(6), 0.25);
  spec.set_t_mul(1);
  EXPECT_DOUBLE_EQ(At(4), 0.25);
  EXPECT_DOUBLE_EQ(At(5), 0.125);
}

// Powers of 5 are where log(5^n) / log(5) is rounded to below n.
TEST_F(Formulas, CosineDecayRestartsExactlyWhereItShould) {
  v1::CosineDecayRestarts& spec = *spec_.mutable_cosine_decay_restarts();
  spec.set_first_decay_steps(1);
  for (const double factor : {2.0, 3.0, 5.0, 10.0}) {
    spec.set_t_mul(factor);
    double start = 0;
    for (int restart = 0; restart < 9; ++restart) {
      EXPECT_DOUBLE_EQ(At(static_cast<int64_t>(start)), 1) << factor << " " << restart;
      start += std::pow(factor, restart);
    }
  }
}

TEST_F(Formulas, OneCycleGoesUpAndDownAsPyTorchs) {
  v1::OneCycle& spec = *spec_.mutable_one_cycle();
  EXPECT_NEAR(At(0), 0.04, 1e-12);
  EXPECT_NEAR(At(1), 0.52, 1e-12);
  EXPECT_NEAR(At(2), 1, 1e-12);
  EXPECT_NEAR(At(9), 4e-6, 1e-12);
  EXPECT_NEAR(At(50), 4e-6, 1e-12);
  spec.set_total_steps(13);
  spec.set_pct_start(0);
  spec.set_max_factor(2);
  spec.set_final_div_factor(1);
  EXPECT_NEAR(At(0), 0.08 + 0.96 * (std::cos(std::acos(-1.0) / 13) + 1), 1e-12);
  spec.set_total_steps(1);
  EXPECT_NEAR(At(0), 0.08, 1e-12);
}

TEST_F(Formulas, WarmUpRisesToTheFirstRateAndMovesAllThatFollows) {
  spec_.set_warm_up_steps(4);
  EXPECT_EQ(At(0), 0);
  EXPECT_NEAR(At(1), 0.25, 1e-12);
  EXPECT_EQ(At(4), 1);
  EXPECT_EQ(At(40), 1);
  spec_.set_warm_up_start(0.5);
  spec_.mutable_one_cycle();
  EXPECT_NEAR(At(0), 0.02, 1e-12);
  EXPECT_NEAR(At(2), 0.03, 1e-12);
  EXPECT_NEAR(At(4), 0.04, 1e-12);
  EXPECT_NEAR(At(9), 4e-6, 1e-12) << "what is left of all steps";
}

}  // namespace
}  // namespace gradus::schedules
