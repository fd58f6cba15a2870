// SPDX-License-Identifier: Apache-2.0
// What every part of this folder works with.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "server/jobs/job_row.h"
#include "server/jobs/job_state.h"
#include "server/jobs/jobs.h"

namespace gradus::jobs {

// Constant after construction.
struct Context {
  JobsParts parts;
  JobsOptions options;

  absl::Status Change(store::Tx& tx, JobRow& row, v1::Job::State to,
                      const std::string& reason) const {
    return ChangeState(tx, *parts.events, *parts.clock, row, to, reason);
  }
};

}  // namespace gradus::jobs
