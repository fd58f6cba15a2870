// SPDX-License-Identifier: Apache-2.0
// The checkpoints that a job can go on from, and the references that keep their blobs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gradus/v1/worker_service.pb.h"
#include "server/store/tx.h"

namespace gradus::jobs {

// Adds one under `number` (the seq of the event that tells of it) and lets go of all but the newest
// `keep_last`. FAILED_PRECONDITION when its blob is not stored.
absl::Status AddCheckpoint(store::Tx& tx, const std::string& job,
                           const v1::CheckpointReady& checkpoint, int64_t number, int keep_last);
// Newest first.
absl::StatusOr<std::vector<v1::CheckpointReady>> LoadCheckpoints(store::ReadTx& tx,
                                                                 const std::string& job);
absl::Status DropCheckpoints(store::Tx& tx, const std::string& job);

}  // namespace gradus::jobs
