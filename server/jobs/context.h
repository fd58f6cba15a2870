// SPDX-License-Identifier: Apache-2.0
// What every part of this folder works with.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "engine/base/status.h"
#include "server/jobs/checkpoints.h"
#include "server/jobs/job_row.h"
#include "server/jobs/job_state.h"
#include "server/jobs/jobs.h"
#include "server/store/blobs.h"

namespace gradus::jobs {

// Constant after construction.
struct Context {
  JobsParts parts;
  JobsOptions options;

  // ChangeState; a job that has ended goes on from no checkpoint and works on no weights, so their
  // blobs are let go.
  absl::Status Change(store::Tx& tx, JobRow& row, v1::Job::State to,
                      const std::string& reason) const {
    if (IsFinal(to)) {
      RETURN_IF_ERROR(DropCheckpoints(tx, row.job.id()));
      RETURN_IF_ERROR(store::BlobStore::DropRefs(tx, store::kSourceRef, row.job.id()));
    }
    return ChangeState(tx, *parts.events, *parts.clock, row, to, reason);
  }
};

}  // namespace gradus::jobs
