// SPDX-License-Identifier: Apache-2.0
// Ranks as steps of jobs in Slurm's queue.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "server/executors/executor.h"
#include "server/executors/slurm_script.h"

namespace gradus::executors {

struct SlurmOptions {
  SlurmPlace place;                           // with poll_seconds
  int64_t command_limit_micros = 20'000'000;  // for one of Slurm's commands
  int64_t patience_micros = 60'000'000;       // for Find, while no controller answers
};

// One thread submits, cancels and looks at the queue; no call but Find waits for Slurm. While its
// controller is away nothing is concluded and nothing submitted: jobs that run go on.
//   Start   returns at once; that Slurm refuses a gang is told as its ranks' exit. Handles are
//           SLURM_NAME/FENCE: the name can be looked up before anybody knows the job's number.
//   Find    looks a few times, for `patience_micros`. Errors: UNAVAILABLE without an answer.
//   Kill    of a leader ends its whole gang.
//   Errors  FAILED_PRECONDITION where Slurm's commands are not installed.
// Slurm keeps the script, and with it the ranks' tokens, readable for its administrators and the
// user whom gradusd runs as. Ranks outlive this object.
absl::StatusOr<std::unique_ptr<Executor>> MakeSlurmExecutor(const SlurmOptions& options);

}  // namespace gradus::executors
