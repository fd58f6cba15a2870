// SPDX-License-Identifier: Apache-2.0
// How jobs come in, and how users steer them; each with its request key in the same transaction.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "server/jobs/context.h"

namespace gradus::jobs {

// See Jobs::FindSubmitted.
absl::StatusOr<std::optional<v1::Job>> FindSubmission(const Context& context,
                                                      const std::string& user,
                                                      const std::string& request_id,
                                                      const std::string& fingerprint);
// See Jobs::Submit. `fresh` tells whether this call made the job.
absl::StatusOr<v1::Job> StoreSubmission(const Context& context, const Submission& submission,
                                        bool* fresh);

enum class Steering { kPause, kResume, kCancel };
// See Jobs::Pause, Resume, Cancel.
absl::StatusOr<v1::Job> Steer(const Context& context, Steering steering, const std::string& user,
                              const std::string& id, const std::string& request_id);

}  // namespace gradus::jobs
