// SPDX-License-Identifier: Apache-2.0
// Following a job to its end: what `train`, `job watch` and `job wait` share.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "client/cli/session.h"
#include "gradus/v1/job.pb.h"

namespace gradus::cli {

// Shows the job's events until it ends, in the mode of the output (JSON: an event a line; quiet:
// nothing), then the summary. OK when it succeeded; ABORTED with its state and reason when not;
// CANCELLED after Ctrl-C, with how to come back.
absl::Status Follow(Session& session, const v1::Job& job);

// Waits for the end without showing events; returns as Follow.
absl::Status Await(Session& session, const std::string& id, v1::Job& finished);

// What became of a finished job, for people.
std::string Summary(const v1::Job& job);

// OK for SUCCEEDED, else ABORTED with state and reason.
absl::Status Outcome(const v1::Job& job);

}  // namespace gradus::cli
