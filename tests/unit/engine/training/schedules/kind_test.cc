// SPDX-License-Identifier: Apache-2.0
// What schedules refuse.
#include "engine/training/schedules/kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gradus::schedules {
namespace {

using ::testing::HasSubstr;

std::string Message(void (*choose)(v1::Schedule&)) {
  v1::Schedule spec;
  choose(spec);
  return std::string(Check(spec).message());
}

TEST(Schedules, MustSaySomething) {
  EXPECT_THAT(Message([](v1::Schedule&) {}),
              HasSubstr("no kind of schedule is given, nor warm_up_steps; one of "));
  EXPECT_EQ(Message([](v1::Schedule& s) { s.set_warm_up_steps(3); }), "");
}

TEST(Schedules, NameTheSettingThatCannotBe) {
  EXPECT_THAT(Message([](v1::Schedule& s) { s.set_warm_up_steps(-1); }),
              HasSubstr("warm_up_steps: -1 is not a number from 0 to 1000000000"));
  EXPECT_THAT(Message([](v1::Schedule& s) { s.set_warm_up_start(1.5); }),
              HasSubstr("warm_up_start: 1.5 is not a number from 0 to 1"));
  EXPECT_THAT(Message([](v1::Schedule& s) { s.mutable_exponential_decay(); }),
              HasSubstr("exponential_decay.decay_steps: 0 is not a number from 1 to"));
  EXPECT_THAT(Message([](v1::Schedule& s) { s.mutable_cosine_decay()->set_decay_steps(0); }),
              HasSubstr("cosine_decay.decay_steps: 0 is not a number from 1 to"));
  EXPECT_THAT(Message([](v1::Schedule& s) { s.mutable_one_cycle()->set_div_factor(0); }),
              HasSubstr("one_cycle.div_factor: 0 is not a finite number above 0"));
  EXPECT_THAT(Message([](v1::Schedule& s) {
                s.mutable_cosine_decay_restarts()->set_first_decay_steps(1);
                s.mutable_cosine_decay_restarts()->set_t_mul(0.5);
              }),
              HasSubstr("cosine_decay_restarts.t_mul: 0.5 is not a number from 1 to 1000"));
}

TEST(Schedules, TakeRatesInOrderAndAsManyAsThereAreStretches) {
  EXPECT_THAT(Message([](v1::Schedule& s) { s.mutable_piecewise_constant(); }),
              HasSubstr("piecewise_constant.boundaries: 0 is not a number from 1 to 1000"));
  EXPECT_THAT(Message([](v1::Schedule& s) {
                s.mutable_piecewise_constant()->add_boundaries(7);
                s.mutable_piecewise_constant()->add_boundaries(7);
              }),
              HasSubstr("piecewise_constant.boundaries[1]: 7 is not a step after 7"));
  EXPECT_THAT(Message([](v1::Schedule& s) {
                s.mutable_piecewise_constant()->add_boundaries(7);
                s.mutable_piecewise_constant()->add_values(1);
              }),
              HasSubstr("piecewise_constant.values: 1 is not the number of rates for 1 "
                        "boundaries: one more"));
}

}  // namespace
}  // namespace gradus::schedules
