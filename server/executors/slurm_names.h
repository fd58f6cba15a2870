// SPDX-License-Identifier: Apache-2.0
// How our jobs are known in Slurm's queue.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/executors/executor.h"

namespace gradus::executors {

// The ranks of one Slurm job: all of one attempt.
struct SlurmRanks {
  std::string job;
  int32_t attempt = 0;
  bool has_leader = false;      // then it is the first
  std::vector<int64_t> fences;  // at least one

  friend bool operator==(const SlurmRanks&, const SlurmRanks&) = default;
};

// "gradus-STORE-": what the names of this store's jobs begin with.
std::string SlurmPrefix(const std::string& store_id);

// "gradus-STORE-JOB-ATTEMPT-FENCE", with the first rank's fence: never given twice.
std::string SlurmName(const std::string& store_id, const SlurmRanks& ranks);

// "leader 12 members 13 14 of NAME" or "members 15 of NAME", for the comment; a name that is no
// plain word is left out.
std::string SlurmComment(const SlurmRanks& ranks, const std::string& job_name);

// Both ways together. Nothing for a name that is not one of this store's. A comment that somebody
// has written over leaves the rank in the name, as leader.
std::optional<SlurmRanks> ParseSlurmNames(std::string_view name, std::string_view comment,
                                          const std::string& store_id);

}  // namespace gradus::executors
