// SPDX-License-Identifier: Apache-2.0
// The settings of sgd.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "engine/training/optimizers/kind.h"

namespace gradus::optimizers {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Sgd, FillsInKerasDefaults) {
  v1::Optimizer spec;
  spec.mutable_sgd();
  ASSERT_TRUE(Check(spec).ok());
  EXPECT_EQ(spec.sgd().learning_rate(), 0.01);
  EXPECT_EQ(spec.sgd().momentum(), 0);
  EXPECT_TRUE(spec.sgd().has_nesterov() && !spec.sgd().nesterov());
}

TEST(Sgd, RefusesRatesAndMomentaThatDiverge) {
  for (const double rate : {-1e-9, kInfinity, -kInfinity, kNan}) {
    v1::Optimizer spec;
    spec.mutable_sgd()->set_learning_rate(rate);
    EXPECT_FALSE(Check(spec).ok()) << rate;
  }
  for (const double momentum : {-0.1, 1.0, 1.5, kInfinity, kNan}) {
    v1::Optimizer spec;
    spec.mutable_sgd()->set_momentum(momentum);
    EXPECT_FALSE(Check(spec).ok()) << momentum;
  }
  v1::Optimizer spec;
  spec.mutable_sgd()->set_learning_rate(0);
  spec.mutable_sgd()->set_momentum(0.999);
  EXPECT_TRUE(Check(spec).ok());
}

TEST(Sgd, KeepsASlotOnlyForMomentum) {
  v1::Optimizer spec;
  spec.mutable_sgd()->set_nesterov(true);
  EXPECT_THAT(Find(spec)->slots(spec), IsEmpty());
  spec.mutable_sgd()->set_momentum(0.5);
  EXPECT_THAT(Find(spec)->slots(spec), ElementsAre("momentum"));
}

}  // namespace
}  // namespace gradus::optimizers
