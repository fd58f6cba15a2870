// SPDX-License-Identifier: Apache-2.0
// From QUEUED to a rank that has been asked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/jobs/context.h"

namespace gradus::jobs {

// Makes the next attempt of a queued job: STARTING, a new fence, a token. Nothing when the job is
// not queued any more, or has used up its time.
absl::StatusOr<std::optional<executors::RankSpec>> BeginAttempt(const Context& context,
                                                                const std::string& id,
                                                                const std::vector<int>& cpus);

// Makes the attempt's folder, starts the rank and stores its handle. An error means that no rank
// runs.
absl::Status StartRank(const Context& context, const executors::RankSpec& spec);

// The folder of one attempt.
std::string WorkDirOf(const Context& context, const executors::RankKey& key);

}  // namespace gradus::jobs
