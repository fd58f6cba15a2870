// SPDX-License-Identifier: Apache-2.0
// The one function that changes a job's state.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "server/events/event_log.h"
#include "server/jobs/job_row.h"
#include "server/store/tx.h"

namespace gradus::jobs {

// Whether a job may go from one state to another; the table is in job_state.cc and in
// server/README.md.
bool MayChange(v1::Job::State from, v1::Job::State to);

// Sets the state, its reason and what follows from it (times, fence, running time), saves the row
// and appends the event that says so; the log is closed when the state is final. All in the
// caller's transaction.
//   Errors   FAILED_PRECONDITION when the table does not allow the step.
absl::Status ChangeState(store::Tx& tx, events::EventLog& log, base::Clock& clock, JobRow& row,
                         v1::Job::State to, const std::string& reason);

// Adds the time since running_since to ran_micros. For every write to a running job, so that little
// is lost with the machine.
void AccountRunningTime(JobRow& row, base::Clock& clock);

}  // namespace gradus::jobs
