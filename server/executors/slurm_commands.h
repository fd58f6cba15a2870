// SPDX-License-Identifier: Apache-2.0
// Slurm by its commands: sbatch, squeue, scancel, scontrol.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/executors/slurm_queue.h"
#include "server/executors/slurm_script.h"

namespace gradus::executors {

// Each call runs one command, under a time limit: while the controller is away they block for
// seconds, or for ever.
//   Threads  any; calls block.
//   Source   sbatch(1), squeue(1), scancel(1), scontrol(1) of Slurm 22.05, and what they were seen
//            to do while the controller was stopped or killed.
class SlurmCommands {
 public:
  explicit SlurmCommands(int64_t limit_micros) : limit_micros_(limit_micros) {}

  // Returns the job's number.
  //   Errors   FAILED_PRECONDITION: Slurm has refused it, in Slurm's words. UNAVAILABLE: whether it
  //            was taken is not known, and it may show up later still.
  absl::StatusOr<int64_t> Submit(const SlurmBatch& batch) const;

  // This user's jobs whose names begin with `prefix`, some of those that have ended among them.
  //   Errors   anything: then nothing is known of any job.
  absl::StatusOr<std::vector<SlurmJob>> Jobs(const std::string& prefix) const;

  // Steps of these jobs that run. Errors as for Jobs.
  absl::StatusOr<std::vector<SlurmStep>> Steps(const std::vector<int64_t>& jobs) const;

  // Ends jobs ("17") or steps ("17.1") at once, or gets them out of the queue. Whether they are
  // gone is seen in the queue alone.
  void Cancel(const std::vector<std::string>& targets) const;

  // OK when a controller answers.
  absl::Status Ping() const;

 private:
  absl::StatusOr<std::string> Ask(std::vector<std::string> words, size_t most) const;

  const int64_t limit_micros_;
};

}  // namespace gradus::executors
