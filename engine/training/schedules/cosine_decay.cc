// SPDX-License-Identifier: Apache-2.0
// Cosine decay: from the first rate to alpha times it along half a cosine.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/base/ranges.h"
#include "engine/base/status.h"
#include "engine/training/schedules/kind.h"

namespace gradus::schedules {
namespace {

absl::Status CheckSettings(v1::Schedule& schedule) {
  v1::CosineDecay& spec = *schedule.mutable_cosine_decay();
  if (!spec.has_alpha()) spec.set_alpha(0);
  if (spec.has_decay_steps())
    RETURN_IF_ERROR(base::CheckCount("decay_steps", spec.decay_steps(), 1, kMostSteps));
  return base::CheckShare("alpha", spec.alpha());
}

double RateOf(const v1::Schedule& schedule, const Moment& at) {
  const v1::CosineDecay& spec = schedule.cosine_decay();
  const int64_t length = spec.has_decay_steps() ? spec.decay_steps() : at.total_steps;
  const double passed =
      static_cast<double>(std::min(at.step, length)) / static_cast<double>(length);
  const double fallen = 0.5 * (1 + std::cos(std::numbers::pi * passed));
  return at.learning_rate * ((1 - spec.alpha()) * fallen + spec.alpha());
}

std::vector<v1::Schedule> Samples() {
  std::vector<v1::Schedule> samples(2);
  for (v1::Schedule& sample : samples) sample.mutable_cosine_decay();
  samples[1].mutable_cosine_decay()->set_decay_steps(4);
  samples[1].mutable_cosine_decay()->set_alpha(0.1);
  return samples;
}

}  // namespace

extern const ScheduleKind cosine_decay_kind;
constinit const ScheduleKind cosine_decay_kind = {
    .field = v1::Schedule::kCosineDecay,
    .documentation =
        "learning_rate * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha).",
    .source = "Loshchilov and Hutter 2017; Keras, CosineDecay",
    .check = CheckSettings,
    .rate = RateOf,
    .samples = Samples,
};

}  // namespace gradus::schedules
