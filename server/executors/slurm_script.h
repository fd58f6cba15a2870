// SPDX-License-Identifier: Apache-2.0
// What is handed to sbatch.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gradus/v1/config.pb.h"
#include "server/executors/executor.h"
#include "server/executors/slurm_names.h"

namespace gradus::executors {

// Where and how this store's jobs run.
struct SlurmPlace {
  v1::SlurmConfig config;  // with worker_program and node_dir filled in
  std::string store_id;
  std::string network;      // for WorkerConfig.network, where it has none
  int64_t cache_bytes = 0;  // for WorkerConfig.cache_bytes
};

struct SlurmBatch {
  std::string name;                  // SlurmName
  std::vector<std::string> options;  // for sbatch
  std::string script;                // for its standard input; holds the ranks' tokens
};

// REQUIRES: not empty, all of one attempt, the leader, if it is there, first.
SlurmRanks SlurmRanksOf(std::span<const RankSpec> gang);

// INVALID_ARGUMENT for an option of SlurmConfig.options that is none, or would change what becomes
// of the batch as a whole: --array, --wait and such.
absl::Status CheckSlurmOption(const std::string& option);

// One batch job for a gang, with a task a rank. Its script starts each rank as a step of its own,
// called as the rank's fence, and gives it its settings on standard input. It ends with the leader,
// as that did: at once when that fails, else with the last member; without a leader, with the last
// member. What a leader, or members without one, have written is kept where the script ran, as
// NODE_DIR/NAME.XXXXXX, if they have failed. Status 73: no file can be made in NODE_DIR.
//   Source   sbatch(1), srun(1) of Slurm 22.05.
absl::StatusOr<SlurmBatch> MakeSlurmBatch(const SlurmPlace& place, std::span<const RankSpec> gang);

// `text` as one word of a POSIX shell.
std::string ShellQuoted(std::string_view text);

}  // namespace gradus::executors
