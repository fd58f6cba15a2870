// SPDX-License-Identifier: Apache-2.0
// From QUEUED to a rank that has been asked for.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/jobs/context.h"

namespace gradus::jobs {

// Makes the next attempt of a queued job: STARTING, and for each of its first workers a fence and a
// token. `cpus`: those of each, the leader's first. Nothing when the job is not queued any more, or
// has used up its time.
absl::StatusOr<std::vector<executors::RankSpec>> BeginAttempt(
    const Context& context, const std::string& id, const std::vector<std::vector<int>>& cpus);

// Makes another worker of the attempt that `leader` leads. Nothing when that is over.
absl::StatusOr<std::optional<executors::RankSpec>> BeginMember(const Context& context,
                                                               const executors::RankKey& leader,
                                                               const std::vector<int>& cpus);

// Makes the ranks' folders, starts the ranks and stores their handles. An error means that none of
// them runs.
absl::Status StartRanks(const Context& context, std::span<const executors::RankSpec> gang);

// The folder of one of an attempt's workers.
std::string WorkDirOf(const Context& context, const executors::RankKey& key, int32_t member);

}  // namespace gradus::jobs
