// SPDX-License-Identifier: Apache-2.0
// What holds for every schedule: a rate for each step, by the step alone, after any warm-up.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/training/schedules/kind.h"

namespace gradus::conformance {
namespace {

using schedules::Moment;
using schedules::ScheduleKind;

constexpr int64_t kSteps = 60;

class Schedules : public testing::TestWithParam<const ScheduleKind*> {
 protected:
  std::vector<v1::Schedule> Samples() const {
    std::vector<v1::Schedule> samples = GetParam()->samples();
    for (v1::Schedule& sample : samples) EXPECT_TRUE(schedules::Check(sample).ok());
    return samples;
  }
  static double At(const v1::Schedule& spec, int64_t step, int64_t total = 20) {
    return schedules::Rate(spec, {.learning_rate = 0.1, .step = step, .total_steps = total});
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, Schedules,
                         testing::ValuesIn(schedules::Table().begin(), schedules::Table().end()),
                         [](const auto& tested) { return schedules::Word(*tested.param); });

TEST_P(Schedules, GiveEveryStepARate) {
  for (const v1::Schedule& spec : Samples()) {
    SCOPED_TRACE(spec.ShortDebugString());
    for (const int64_t total : {int64_t{1}, int64_t{2}, int64_t{20}}) {
      for (int64_t step = 0; step < kSteps; ++step) {
        const double rate = At(spec, step, total);
        EXPECT_TRUE(std::isfinite(rate) && rate >= 0) << step << " of " << total << ": " << rate;
      }
      EXPECT_TRUE(std::isfinite(At(spec, int64_t{1} << 40, total)));
    }
  }
}

// So that a run that goes on from a checkpoint goes on with the same rates.
TEST_P(Schedules, DependOnTheStepAlone) {
  for (const v1::Schedule& spec : Samples()) {
    std::vector<double> forward;
    for (int64_t step = 0; step < kSteps; ++step) forward.push_back(At(spec, step));
    for (int64_t step = kSteps - 1; step >= 0; --step)
      EXPECT_EQ(At(spec, step), forward[static_cast<size_t>(step)]);
  }
}

TEST_P(Schedules, BeginAfterTheirWarmUp) {
  for (const v1::Schedule& spec : Samples()) {
    SCOPED_TRACE(spec.ShortDebugString());
    v1::Schedule warmed = spec;
    warmed.set_warm_up_steps(5);
    warmed.set_warm_up_start(0.5);
    const double first = At(spec, 0);
    for (int64_t step = 0; step < 5; ++step)
      EXPECT_DOUBLE_EQ(At(warmed, step, 25), first * (0.5 + 0.1 * static_cast<double>(step)));
    for (int64_t step = 5; step < kSteps; ++step)
      EXPECT_EQ(At(warmed, step, 25), At(spec, step - 5, 20));
  }
}

}  // namespace
}  // namespace gradus::conformance
