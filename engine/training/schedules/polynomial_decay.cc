// SPDX-License-Identifier: Apache-2.0
// Polynomial decay: from the first rate to the last one along a power.
#include <algorithm>
#include <cmath>

#include "engine/base/ranges.h"
#include "engine/base/status.h"
#include "engine/training/schedules/kind.h"

namespace gradus::schedules {
namespace {

absl::Status CheckSettings(v1::Schedule& schedule) {
  v1::PolynomialDecay& spec = *schedule.mutable_polynomial_decay();
  if (!spec.has_end_learning_rate()) spec.set_end_learning_rate(1e-4);
  if (!spec.has_power()) spec.set_power(1);
  if (!spec.has_cycle()) spec.set_cycle(false);
  if (spec.has_decay_steps())
    RETURN_IF_ERROR(base::CheckCount("decay_steps", spec.decay_steps(), 1, kMostSteps));
  RETURN_IF_ERROR(base::CheckNotNegative("end_learning_rate", spec.end_learning_rate()));
  return base::CheckPositive("power", spec.power());
}

double RateOf(const v1::Schedule& schedule, const Moment& at) {
  const v1::PolynomialDecay& spec = schedule.polynomial_decay();
  const auto step = static_cast<double>(at.step);
  auto length = static_cast<double>(spec.has_decay_steps() ? spec.decay_steps() : at.total_steps);
  if (spec.cycle() && at.step > 0) length *= std::ceil(step / length);
  const double left = 1 - std::min(step, length) / length;
  return (at.learning_rate - spec.end_learning_rate()) * std::pow(left, spec.power()) +
         spec.end_learning_rate();
}

std::vector<v1::Schedule> Samples() {
  std::vector<v1::Schedule> samples(3);
  for (v1::Schedule& sample : samples) sample.mutable_polynomial_decay();
  samples[1].mutable_polynomial_decay()->set_decay_steps(4);
  samples[1].mutable_polynomial_decay()->set_power(2);
  samples[1].mutable_polynomial_decay()->set_end_learning_rate(0);
  samples[2].mutable_polynomial_decay()->set_decay_steps(4);
  samples[2].mutable_polynomial_decay()->set_power(0.5);
  samples[2].mutable_polynomial_decay()->set_cycle(true);
  return samples;
}

}  // namespace

extern const ScheduleKind polynomial_decay_kind;
constinit const ScheduleKind polynomial_decay_kind = {
    .field = v1::Schedule::kPolynomialDecay,
    .documentation =
        "(learning_rate - end_learning_rate) * (1 - step / decay_steps)^power + end_learning_rate.",
    .source = "Keras, PolynomialDecay",
    .check = CheckSettings,
    .rate = RateOf,
    .samples = Samples,
};

}  // namespace gradus::schedules
