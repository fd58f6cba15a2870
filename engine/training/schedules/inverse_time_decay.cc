// SPDX-License-Identifier: Apache-2.0
// Inverse time decay: the rate is divided by a number that grows with the steps.
#include <cmath>

#include "engine/base/ranges.h"
#include "engine/base/status.h"
#include "engine/training/schedules/kind.h"

namespace gradus::schedules {
namespace {

absl::Status CheckSettings(v1::Schedule& schedule) {
  v1::InverseTimeDecay& spec = *schedule.mutable_inverse_time_decay();
  if (!spec.has_decay_rate()) spec.set_decay_rate(1);
  if (!spec.has_staircase()) spec.set_staircase(false);
  RETURN_IF_ERROR(base::CheckCount("decay_steps", spec.decay_steps(), 1, kMostSteps));
  return base::CheckNotNegative("decay_rate", spec.decay_rate());
}

double RateOf(const v1::Schedule& schedule, const Moment& at) {
  const v1::InverseTimeDecay& spec = schedule.inverse_time_decay();
  const double passed = static_cast<double>(at.step) / static_cast<double>(spec.decay_steps());
  return at.learning_rate /
         (1 + spec.decay_rate() * (spec.staircase() ? std::floor(passed) : passed));
}

std::vector<v1::Schedule> Samples() {
  std::vector<v1::Schedule> samples(2);
  for (v1::Schedule& sample : samples) sample.mutable_inverse_time_decay()->set_decay_steps(3);
  samples[1].mutable_inverse_time_decay()->set_decay_rate(0.5);
  samples[1].mutable_inverse_time_decay()->set_staircase(true);
  return samples;
}

}  // namespace

extern const ScheduleKind inverse_time_decay_kind;
constinit const ScheduleKind inverse_time_decay_kind = {
    .field = v1::Schedule::kInverseTimeDecay,
    .documentation = "learning_rate / (1 + decay_rate * step / decay_steps).",
    .source = "Keras, InverseTimeDecay",
    .check = CheckSettings,
    .rate = RateOf,
    .samples = Samples,
};

}  // namespace gradus::schedules
