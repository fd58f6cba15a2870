// SPDX-License-Identifier: Apache-2.0
// Following a job to its end: what `train`, `model fold`, `job watch` and `job wait` share.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "gradus/v1/job.pb.h"

namespace gradus::cli {

// Submits a job; after Ctrl-C CANCELLED says how to find out whether it is.
absl::StatusOr<v1::Job> Submit(Session& session, const v1::JobSpec& spec);

// Shows the job's events until it ends, in the mode of the output (JSON: an event a line; quiet:
// nothing), then the summary. OK when it succeeded; ABORTED with its state and reason when not;
// CANCELLED after Ctrl-C, with how to come back.
absl::Status Follow(Session& session, const v1::Job& job);

// Follow; then, where the output is JSON, the job as it has become.
absl::Status FollowToResult(Session& session, const v1::Job& job);

// Waits for the end without showing events; returns as Follow.
absl::Status Await(Session& session, const std::string& id, v1::Job& finished);

// What became of a finished job, for people.
std::string Summary(const v1::Job& job);

// OK for SUCCEEDED, else ABORTED with state and reason.
absl::Status Outcome(const v1::Job& job);

}  // namespace gradus::cli
