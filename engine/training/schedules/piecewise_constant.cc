// SPDX-License-Identifier: Apache-2.0
// Piecewise constant: a rate for each stretch of steps.
#include "absl/strings/str_cat.h"
#include "engine/base/ranges.h"
#include "engine/base/status.h"
#include "engine/training/schedules/kind.h"

namespace gradus::schedules {
namespace {

constexpr int kMostBoundaries = 1000;

absl::Status CheckSettings(v1::Schedule& schedule) {
  const v1::PiecewiseConstant& spec = *schedule.mutable_piecewise_constant();
  RETURN_IF_ERROR(base::CheckCount("boundaries", spec.boundaries_size(), 1, kMostBoundaries));
  int64_t before = -1;
  for (int i = 0; i < spec.boundaries_size(); ++i) {
    if (spec.boundaries(i) <= before) {
      return base::InvalidArgument(absl::StrCat("boundaries[", i, "]"),
                                   absl::StrCat(spec.boundaries(i)),
                                   absl::StrCat("a step after ", before));
    }
    before = spec.boundaries(i);
  }
  if (spec.values_size() != spec.boundaries_size() + 1) {
    return base::InvalidArgument(
        "values", absl::StrCat(spec.values_size()),
        absl::StrCat("the number of rates for ", spec.boundaries_size(), " boundaries: one more"));
  }
  for (int i = 0; i < spec.values_size(); ++i)
    RETURN_IF_ERROR(base::CheckNotNegative(absl::StrCat("values[", i, "]"), spec.values(i)));
  return absl::OkStatus();
}

double RateOf(const v1::Schedule& schedule, const Moment& at) {
  const v1::PiecewiseConstant& spec = schedule.piecewise_constant();
  int piece = 0;
  while (piece < spec.boundaries_size() && at.step > spec.boundaries(piece)) ++piece;
  return spec.values(piece);
}

std::vector<v1::Schedule> Samples() {
  v1::Schedule sample;
  v1::PiecewiseConstant& spec = *sample.mutable_piecewise_constant();
  for (const int64_t boundary : {0, 3, 5}) spec.add_boundaries(boundary);
  for (const double value : {0.1, 0.2, 0.05, 0.01}) spec.add_values(value);
  return {sample};
}

}  // namespace

extern const ScheduleKind piecewise_constant_kind;
constinit const ScheduleKind piecewise_constant_kind = {
    .field = v1::Schedule::kPiecewiseConstant,
    .documentation = "values[i] up to step boundaries[i], that one included.",
    .source = "Keras, PiecewiseConstantDecay",
    .check = CheckSettings,
    .rate = RateOf,
    .samples = Samples,
};

}  // namespace gradus::schedules
