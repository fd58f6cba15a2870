// SPDX-License-Identifier: Apache-2.0
// Keras's defaults, and what is refused.
#include "engine/training/optimizers/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/training/optimizers/kind.h"

namespace gradus::optimizers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::Optimizer Checked(void (*choose)(v1::Optimizer&)) {
  v1::Optimizer spec;
  choose(spec);
  EXPECT_TRUE(Check(spec).ok());
  return spec;
}

std::string Message(void (*choose)(v1::Optimizer&)) {
  v1::Optimizer spec;
  choose(spec);
  return std::string(Check(spec).message());
}

TEST(Optimizers, HaveKerassDefaults) {
  const v1::Optimizer adam = Checked([](v1::Optimizer& spec) { spec.mutable_adam(); });
  EXPECT_EQ(
      adam.ShortDebugString(),
      "adam { learning_rate: 0.001 beta_1: 0.9 beta_2: 0.999 epsilon: 1e-07 amsgrad: false }");
  const v1::Optimizer adamw = Checked([](v1::Optimizer& spec) { spec.mutable_adamw(); });
  EXPECT_EQ(CommonOf(adamw).weight_decay, 0.004);
  const v1::Optimizer rmsprop = Checked([](v1::Optimizer& spec) { spec.mutable_rmsprop(); });
  EXPECT_EQ(rmsprop.ShortDebugString(),
            "rmsprop { learning_rate: 0.001 rho: 0.9 momentum: 0 epsilon: 1e-07 centered: false }");
  const v1::Optimizer adagrad = Checked([](v1::Optimizer& spec) { spec.mutable_adagrad(); });
  EXPECT_EQ(Find(adagrad)->slot_start(adagrad), 0.1F);
  const v1::Optimizer lion = Checked([](v1::Optimizer& spec) { spec.mutable_lion(); });
  EXPECT_EQ(lion.lion().beta_2(), 0.99);
}

TEST(Optimizers, KeepOnlyTheTensorsThatTheyNeed) {
  v1::Optimizer spec = Checked([](v1::Optimizer& o) { o.mutable_rmsprop(); });
  EXPECT_THAT(Find(spec)->slots(spec), ElementsAre("mean_square"));
  spec.mutable_rmsprop()->set_centered(true);
  spec.mutable_rmsprop()->set_momentum(0.5);
  EXPECT_THAT(Find(spec)->slots(spec), ElementsAre("mean_square", "mean", "momentum"));
  spec = Checked([](v1::Optimizer& o) { o.mutable_adam()->set_amsgrad(true); });
  EXPECT_THAT(Find(spec)->slots(spec), ElementsAre("m", "v", "largest_v"));
}

// Worked out by hand: the first step of Adam is the learning rate, whatever the gradient is.
TEST(Optimizers, AdamsFirstStepIsAsLongAsItsRate) {
  const v1::Optimizer spec =
      Checked([](v1::Optimizer& o) { o.mutable_adam()->set_learning_rate(0.1); });
  for (const double gradient : {0.1, 1.0, -50.0}) {
    double weight = 1;
    std::vector<double> slots(2, 0);
    Find(spec)->reference(spec, gradient, 0, weight, slots);
    EXPECT_NEAR(weight, 1 - (gradient > 0 ? 0.1 : -0.1), 2e-4);
  }
}

TEST(Optimizers, KeepAnAverageBehindTheirOwnTensors) {
  v1::Optimizer spec = Checked([](v1::Optimizer& o) { o.mutable_adam()->set_ema_momentum(0.5); });
  EXPECT_THAT(SlotNames(spec), ElementsAre("m", "v"));
  spec.mutable_adam()->set_use_ema(true);
  EXPECT_THAT(SlotNames(spec), ElementsAre("m", "v", "average"));
  EXPECT_EQ(CommonOf(spec).ema_momentum, 0.5);
  spec.mutable_adam()->clear_ema_momentum();
  EXPECT_EQ(CommonOf(spec).ema_momentum, 0.99);
}

TEST(Optimizers, FillInTheirSchedule) {
  v1::Optimizer spec = Checked(
      [](v1::Optimizer& o) { o.mutable_lion()->mutable_schedule()->mutable_cosine_decay(); });
  EXPECT_TRUE(spec.lion().schedule().cosine_decay().has_alpha());
  ASSERT_TRUE(CommonOf(spec).schedule.has_value());
  ClearSchedule(spec);
  EXPECT_FALSE(CommonOf(spec).schedule.has_value());
}

TEST(Optimizers, NameTheSettingThatCannotBe) {
  EXPECT_THAT(Message([](v1::Optimizer& o) { o.mutable_sgd()->set_ema_momentum(1.5); }),
              HasSubstr("sgd.ema_momentum: 1.5 is not a number from 0 to 1"));
  EXPECT_THAT(Message([](v1::Optimizer& o) {
                o.mutable_adamw()->mutable_schedule()->mutable_one_cycle()->set_pct_start(2);
              }),
              HasSubstr("adamw.schedule.one_cycle.pct_start: 2 is not a number from 0 to 1"));

  EXPECT_THAT(Message([](v1::Optimizer& o) { o.mutable_adam()->set_beta_1(1); }),
              HasSubstr("adam.beta_1: 1 is not at least 0 and less than 1"));
  EXPECT_THAT(Message([](v1::Optimizer& o) { o.mutable_nadam()->set_epsilon(0); }),
              HasSubstr("nadam.epsilon: 0 is not a finite number above 0"));
  EXPECT_THAT(Message([](v1::Optimizer& o) { o.mutable_lion()->set_learning_rate(-1); }),
              HasSubstr("lion.learning_rate: -1 is not a finite number, 0 or more"));
  EXPECT_THAT(Message([](v1::Optimizer& o) { o.mutable_sgd()->set_clipnorm(0); }),
              HasSubstr("sgd.clipnorm: 0 is not a finite number above 0"));
  EXPECT_THAT(Message([](v1::Optimizer& o) { o.mutable_adamax()->set_weight_decay(NAN); }),
              HasSubstr("adamax.weight_decay: nan is not a finite number, 0 or more"));
  EXPECT_THAT(Message([](v1::Optimizer& o) {
                o.mutable_sgd()->set_clipnorm(1);
                o.mutable_sgd()->set_global_clipnorm(1);
              }),
              HasSubstr("sgd.global_clipnorm: at most one of clipvalue, clipnorm and "
                        "global_clipnorm can be given"));
}

}  // namespace
}  // namespace gradus::optimizers
