// SPDX-License-Identifier: Apache-2.0
// Look-ups in the table of schedules, and the warm-up that all have in common.
#include "engine/training/schedules/kind.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/ranges.h"
#include "engine/base/status.h"

namespace gradus::schedules {
namespace {

double RateAfterWarmUp(const v1::Schedule& spec, const Moment& at) {
  const ScheduleKind* kind = Find(spec);
  return kind == nullptr ? at.learning_rate : kind->rate(spec, at);
}

}  // namespace

const ScheduleKind* Find(const v1::Schedule& spec) {
  for (const ScheduleKind* kind : Table()) {
    if (kind->field == spec.kind_case()) return kind;
  }
  return nullptr;
}

std::string Word(const ScheduleKind& kind) {
  return v1::Schedule::descriptor()->FindFieldByNumber(kind.field)->name();
}

absl::Status Check(v1::Schedule& spec) {
  if (!spec.has_warm_up_steps()) spec.set_warm_up_steps(0);
  if (!spec.has_warm_up_start()) spec.set_warm_up_start(0);
  RETURN_IF_ERROR(base::CheckCount("warm_up_steps", spec.warm_up_steps(), 0, kMostSteps));
  RETURN_IF_ERROR(base::CheckShare("warm_up_start", spec.warm_up_start()));
  const ScheduleKind* kind = Find(spec);
  if (kind != nullptr) return base::InField(kind->check(spec), Word(*kind));
  if (spec.warm_up_steps() > 0) return absl::OkStatus();
  const std::string words = absl::StrJoin(
      Table(), ", ",
      [](std::string* out, const ScheduleKind* member) { out->append(Word(*member)); });
  return absl::InvalidArgumentError(
      absl::StrCat("no kind of schedule is given, nor warm_up_steps; one of ", words));
}

double Rate(const v1::Schedule& spec, const Moment& at) {
  const int64_t warm_up = spec.warm_up_steps();
  Moment after = at;
  after.step = std::max<int64_t>(at.step - warm_up, 0);
  after.total_steps = std::max<int64_t>(at.total_steps - warm_up, 1);
  const double rate = RateAfterWarmUp(spec, after);
  if (at.step >= warm_up) return rate;
  const double start = spec.warm_up_start();
  return rate * (start + (1 - start) * static_cast<double>(at.step) / static_cast<double>(warm_up));
}

}  // namespace gradus::schedules
