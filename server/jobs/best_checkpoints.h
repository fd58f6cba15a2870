// SPDX-License-Identifier: Apache-2.0
// The weights of a job's best epochs: kept with the job for good, and published when someone asks.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gradus/v1/job_service.pb.h"
#include "gradus/v1/worker_service.pb.h"
#include "server/jobs/context.h"

namespace gradus::jobs {

// Takes the checkpoint into row.job.best_checkpoints, which then are those of `ready.kept_steps`,
// at most `keep_best`; what is not among them is let go. FAILED_PRECONDITION when its blob is not
// stored.
absl::Status KeepBestCheckpoint(store::Tx& tx, store::BlobStore& blobs, JobRow& row,
                                const v1::BestCheckpointReady& ready, int keep_best);

// Registers one as the next version of a model. A retry with the same request_id gets the first
// answer.
//   Errors   NOT_FOUND for a step that is not kept; INVALID_ARGUMENT where no model is named.
absl::StatusOr<v1::PublishCheckpointResponse> PublishCheckpoint(
    const Context& context, const std::string& user, const v1::PublishCheckpointRequest& request);

}  // namespace gradus::jobs
