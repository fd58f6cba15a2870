// SPDX-License-Identifier: Apache-2.0
// Exponential decay: the rate is multiplied by decay_rate every decay_steps.
#include <cmath>

#include "engine/base/ranges.h"
#include "engine/base/status.h"
#include "engine/training/schedules/kind.h"

namespace gradus::schedules {
namespace {

absl::Status CheckSettings(v1::Schedule& schedule) {
  v1::ExponentialDecay& spec = *schedule.mutable_exponential_decay();
  if (!spec.has_decay_rate()) spec.set_decay_rate(0.96);
  if (!spec.has_staircase()) spec.set_staircase(false);
  RETURN_IF_ERROR(base::CheckCount("decay_steps", spec.decay_steps(), 1, kMostSteps));
  return base::CheckPositive("decay_rate", spec.decay_rate());
}

double RateOf(const v1::Schedule& schedule, const Moment& at) {
  const v1::ExponentialDecay& spec = schedule.exponential_decay();
  const double passed = static_cast<double>(at.step) / static_cast<double>(spec.decay_steps());
  return at.learning_rate *
         std::pow(spec.decay_rate(), spec.staircase() ? std::floor(passed) : passed);
}

std::vector<v1::Schedule> Samples() {
  std::vector<v1::Schedule> samples(2);
  for (v1::Schedule& sample : samples) sample.mutable_exponential_decay()->set_decay_steps(3);
  samples[1].mutable_exponential_decay()->set_decay_rate(0.5);
  samples[1].mutable_exponential_decay()->set_staircase(true);
  return samples;
}

}  // namespace

extern const ScheduleKind exponential_decay_kind;
constinit const ScheduleKind exponential_decay_kind = {
    .field = v1::Schedule::kExponentialDecay,
    .documentation = "learning_rate * decay_rate^(step / decay_steps).",
    .source = "Keras, ExponentialDecay",
    .check = CheckSettings,
    .rate = RateOf,
    .samples = Samples,
};

}  // namespace gradus::schedules
