// SPDX-License-Identifier: Apache-2.0
// One cycle: up to the highest rate and down to far below the first one, along half cosines.
#include <cmath>
#include <numbers>

#include "engine/base/ranges.h"
#include "engine/base/status.h"
#include "engine/training/schedules/kind.h"

namespace gradus::schedules {
namespace {

absl::Status CheckSettings(v1::Schedule& schedule) {
  v1::OneCycle& spec = *schedule.mutable_one_cycle();
  if (!spec.has_max_factor()) spec.set_max_factor(1);
  if (!spec.has_pct_start()) spec.set_pct_start(0.3);
  if (!spec.has_div_factor()) spec.set_div_factor(25);
  if (!spec.has_final_div_factor()) spec.set_final_div_factor(1e4);
  if (spec.has_total_steps())
    RETURN_IF_ERROR(base::CheckCount("total_steps", spec.total_steps(), 1, kMostSteps));
  RETURN_IF_ERROR(base::CheckPositive("max_factor", spec.max_factor()));
  RETURN_IF_ERROR(base::CheckShare("pct_start", spec.pct_start()));
  RETURN_IF_ERROR(base::CheckPositive("div_factor", spec.div_factor()));
  return base::CheckPositive("final_div_factor", spec.final_div_factor());
}

// Between two rates, along half a cosine.
double Between(double from, double to, double share) {
  return to + (from - to) / 2 * (std::cos(std::numbers::pi * share) + 1);
}

double RateOf(const v1::Schedule& schedule, const Moment& at) {
  const v1::OneCycle& spec = schedule.one_cycle();
  const double highest = at.learning_rate * spec.max_factor();
  const double first = highest / spec.div_factor();
  const double last = first / spec.final_div_factor();
  const auto length =
      static_cast<double>(spec.has_total_steps() ? spec.total_steps() : at.total_steps);
  const auto step = static_cast<double>(at.step);
  // The steps at which it is highest and lowest.
  const double top = spec.pct_start() * length - 1;
  const double end = length - 1;
  if (step >= end) return last;
  if (step < top) return Between(first, highest, step / top);
  return Between(highest, last, (step - top) / (end - top));
}

std::vector<v1::Schedule> Samples() {
  std::vector<v1::Schedule> samples(2);
  for (v1::Schedule& sample : samples) sample.mutable_one_cycle();
  samples[1].mutable_one_cycle()->set_total_steps(8);
  samples[1].mutable_one_cycle()->set_max_factor(2);
  samples[1].mutable_one_cycle()->set_pct_start(0.5);
  samples[1].mutable_one_cycle()->set_div_factor(10);
  samples[1].mutable_one_cycle()->set_final_div_factor(100);
  return samples;
}

}  // namespace

extern const ScheduleKind one_cycle_kind;
constinit const ScheduleKind one_cycle_kind = {
    .field = v1::Schedule::kOneCycle,
    .documentation =
        "Up from max / div_factor to max, down to max / div_factor / final_div_factor, along half "
        "cosines.",
    .source = "Smith and Topin 2018; PyTorch, OneCycleLR with anneal_strategy cos",
    .check = CheckSettings,
    .rate = RateOf,
    .samples = Samples,
};

}  // namespace gradus::schedules
