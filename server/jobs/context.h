// SPDX-License-Identifier: Apache-2.0
// What every part of this folder works with.
#pragma once

#include <string>

#include "absl/functional/function_ref.h"
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

  // A transaction of the driver's: refused where this server leads no more, and told where it could
  // not be stored, since what the driver knows is then no longer what the store says.
  absl::Status DriverWrite(absl::FunctionRef<absl::Status(store::Tx&)> body) const {
    const absl::Status status = parts.store->Write([&](store::Tx& tx) -> absl::Status {
      if (parts.check_lead) RETURN_IF_ERROR(parts.check_lead(tx));
      return body(tx);
    });
    if (parts.on_lead_lost && (absl::IsUnavailable(status) || absl::IsAborted(status)))
      parts.on_lead_lost();
    return status;
  }

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
