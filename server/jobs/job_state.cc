// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/job_state.h"

#include <algorithm>
#include <initializer_list>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "proto/support/utf8.h"

namespace gradus::jobs {
namespace {

using v1::Job;

// A rank may say more; lists and events have to travel.
constexpr size_t kLongestReason = 4096;

struct Step {
  Job::State from;
  std::initializer_list<Job::State> to;
};

// STARTING and RUNNING go back to QUEUED when their rank is lost or the server stops. A cancel that
// was promised wins over a rank that finishes.
const Step kSteps[] = {
    {Job::STATE_UNSPECIFIED, {Job::QUEUED}},
    {Job::QUEUED, {Job::STARTING, Job::PAUSED, Job::CANCELLED, Job::FAILED, Job::TIMED_OUT}},
    {Job::STARTING,
     {Job::RUNNING, Job::QUEUED, Job::PAUSING, Job::CANCELLING, Job::FAILED, Job::TIMED_OUT}},
    {Job::RUNNING,
     {Job::SUCCEEDED, Job::QUEUED, Job::PAUSING, Job::CANCELLING, Job::FAILED, Job::TIMED_OUT}},
    {Job::PAUSING, {Job::PAUSED, Job::SUCCEEDED, Job::CANCELLING, Job::FAILED, Job::TIMED_OUT}},
    {Job::PAUSED, {Job::QUEUED, Job::CANCELLED}},
    {Job::CANCELLING, {Job::CANCELLED}},
};

void ApplyTimes(JobRow& row, Job::State to, base::Clock& clock) {
  const int64_t now = clock.NowMicros();
  if (row.job.state() == Job::STATE_UNSPECIFIED) SetTime(now, row.job.mutable_queued_at());
  if (to == Job::RUNNING && !row.job.has_started_at()) SetTime(now, row.job.mutable_started_at());
  if (IsFinal(to)) SetTime(now, row.job.mutable_finished_at());
  AccountRunningTime(row, clock);
  if (to == Job::RUNNING) row.running_since = clock.MonotonicMicros();
  if (!HasAttempt(to)) row.running_since = 0;
}

}  // namespace

bool MayChange(Job::State from, Job::State to) {
  for (const Step& step : kSteps) {
    if (step.from == from) return std::find(step.to.begin(), step.to.end(), to) != step.to.end();
  }
  return false;
}

void AccountRunningTime(JobRow& row, base::Clock& clock) {
  if (row.running_since == 0) return;
  const int64_t now = clock.MonotonicMicros();
  row.ran_micros += std::max<int64_t>(0, now - row.running_since);
  row.running_since = now;
}

absl::Status ChangeState(store::Tx& tx, events::EventLog& log, base::Clock& clock, JobRow& row,
                         Job::State to, const std::string& reason) {
  const Job::State from = row.job.state();
  if (!MayChange(from, to)) {
    return absl::FailedPreconditionError(absl::StrCat("job ", row.job.id(), " is ",
                                                      Job::State_Name(from), ": it cannot become ",
                                                      Job::State_Name(to)));
  }
  ApplyTimes(row, to, clock);
  row.job.set_state(to);
  row.job.set_reason(std::string(support::CutUtf8(reason, kLongestReason)));
  if (!HasAttempt(to)) {
    row.fence = 0;
    row.job.clear_workers();
  }
  v1::Event event;
  event.mutable_state_changed()->set_from(from);
  event.mutable_state_changed()->set_to(to);
  event.mutable_state_changed()->set_reason(row.job.reason());
  if (IsFinal(to)) {
    RETURN_IF_ERROR(log.Close(tx, row.job.id(), row.job.attempt(), event));
  } else {
    RETURN_IF_ERROR(log.Append(tx, row.job.id(), row.job.attempt(), std::span(&event, 1)));
  }
  return SaveJob(tx, row);
}

}  // namespace gradus::jobs
