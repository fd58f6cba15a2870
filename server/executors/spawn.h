// SPDX-License-Identifier: Apache-2.0
// Starting one rank as a process of this machine.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/executors/executor.h"

namespace gradus::executors {

// What a process takes beside what its job needs: stacks of some threads, TLS buffers, libraries'
// data.
inline constexpr int64_t kProcessOverhead = int64_t{384} << 20;

// What a rank may see of this process's environment: PATH, HOME, locale, time zone, settings of
// OpenMP and oneDNN; GRADUS_WORKER_X becomes GRADUS_X. No secret is among it.
std::vector<std::string> RankEnvironment();

// Starts PROGRAM as leader of a process group of its own, in its work_dir:
//   descriptor 0   /dev/null
//   1 and 2        work_dir/log
//   3              a pipe that holds the WorkerConfig as JSON; there is nothing else
//   environment    PATH, HOME, locale, time zone, settings of OpenMP and oneDNN, and the rank's
//   mark; no secret processors     config.cpus, inherited from this thread, which is put back
//   afterwards
// Memory is limited after the start (LimitMemory).
//   Threads  any.
absl::StatusOr<pid_t> SpawnRank(const std::string& program, const std::string& mark,
                                const v1::WorkerConfig& config);

// Bounds the process's private writable memory (RLIMIT_DATA: heap and anonymous maps, not mapped
// datasets) to `bytes` and what a process takes for its threads' stacks and connections; no core
// files; the kernel's choice should memory run out. Nothing is done under a sanitizer, whose shadow
// counts as data.
void LimitMemory(pid_t pid, int64_t bytes);

}  // namespace gradus::executors
