// SPDX-License-Identifier: Apache-2.0
// Cosine decay with restarts: half cosines, each longer or shorter than the one before it.
#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "engine/base/ranges.h"
#include "engine/base/status.h"
#include "engine/training/schedules/kind.h"

namespace gradus::schedules {
namespace {

constexpr double kMostGrowth = 1000;

absl::Status CheckSettings(v1::Schedule& schedule) {
  v1::CosineDecayRestarts& spec = *schedule.mutable_cosine_decay_restarts();
  if (!spec.has_t_mul()) spec.set_t_mul(2);
  if (!spec.has_m_mul()) spec.set_m_mul(1);
  if (!spec.has_alpha()) spec.set_alpha(0);
  RETURN_IF_ERROR(base::CheckCount("first_decay_steps", spec.first_decay_steps(), 1, kMostSteps));
  if (!(spec.t_mul() >= 1 && spec.t_mul() <= kMostGrowth)) {
    return base::InvalidArgument("t_mul", absl::StrCat(spec.t_mul()),
                                 absl::StrCat("a number from 1 to ", kMostGrowth));
  }
  RETURN_IF_ERROR(base::CheckNotNegative("m_mul", spec.m_mul()));
  return base::CheckShare("alpha", spec.alpha());
}

// How many restarts lie before `passed` first lengths, and what share of the last one has passed.
struct Place {
  double restarts = 0;
  double share = 0;
};

Place PlaceOf(double passed, double t_mul) {
  if (t_mul == 1) return {std::floor(passed), passed - std::floor(passed)};
  const auto before = [t_mul](double restarts) {
    return (std::pow(t_mul, restarts) - 1) / (t_mul - 1);
  };
  double restarts = std::floor(std::log(1 + passed * (t_mul - 1)) / std::log(t_mul));
  // The logarithms are rounded: right at a restart they may be on the wrong side of it.
  if (before(restarts) > passed) --restarts;
  if (before(restarts + 1) <= passed) ++restarts;
  return {restarts, (passed - before(restarts)) / std::pow(t_mul, restarts)};
}

double RateOf(const v1::Schedule& schedule, const Moment& at) {
  const v1::CosineDecayRestarts& spec = schedule.cosine_decay_restarts();
  const Place place = PlaceOf(
      static_cast<double>(at.step) / static_cast<double>(spec.first_decay_steps()), spec.t_mul());
  const double fallen =
      0.5 * std::pow(spec.m_mul(), place.restarts) * (1 + std::cos(std::numbers::pi * place.share));
  return at.learning_rate * ((1 - spec.alpha()) * fallen + spec.alpha());
}

std::vector<v1::Schedule> Samples() {
  std::vector<v1::Schedule> samples(2);
  for (v1::Schedule& sample : samples)
    sample.mutable_cosine_decay_restarts()->set_first_decay_steps(2);
  samples[1].mutable_cosine_decay_restarts()->set_t_mul(1);
  samples[1].mutable_cosine_decay_restarts()->set_m_mul(0.5);
  samples[1].mutable_cosine_decay_restarts()->set_alpha(0.1);
  return samples;
}

}  // namespace

extern const ScheduleKind cosine_decay_restarts_kind;
constinit const ScheduleKind cosine_decay_restarts_kind = {
    .field = v1::Schedule::kCosineDecayRestarts,
    .documentation =
        "Half cosines one after another, t_mul times as long each, from m_mul times the rate.",
    .source = "Loshchilov and Hutter 2017, eq. 5; Keras, CosineDecayRestarts",
    .check = CheckSettings,
    .rate = RateOf,
    .samples = Samples,
};

}  // namespace gradus::schedules
