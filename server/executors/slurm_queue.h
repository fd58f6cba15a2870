// SPDX-License-Identifier: Apache-2.0
// What Slurm says of its queue, read.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace gradus::executors {

// As far as it matters here.
struct SlurmJob {
  int64_t id = 0;
  std::string name;
  std::string comment;
  std::string state;               // Slurm's word: "RUNNING", "NODE_FAIL"
  bool leaving = false;            // its nodes are not done with it; before 23.02 hides the state
  std::string reason;              // Slurm's word: "Resources", "None"
  int wait_status = 0;             // of the batch script
  int64_t start_time = 0;          // seconds since 1970; 0 before it has started
  std::vector<std::string> nodes;  // that it has now; a failed one is taken out
};

// A part of a running job.
struct SlurmStep {
  int64_t job = 0;
  std::string id;  // "17.1"
  std::string name;
  std::string node;
};

// How far a job has come.
enum class SlurmPhase { kWaiting, kRunning, kLeaving, kEnded };

SlurmPhase PhaseOf(const SlurmJob& job);

// Whether it can be told how a job ends that is leaving.
bool HasKnownEnding(const SlurmJob& job);

// How a job has ended, from its state.
struct SlurmEnding {
  std::string reason;  // of its worker: "exited with 1", "was on a node that failed"
  bool clean = false;
  bool known = true;  // as RankExit has them
  bool cancelled = false;
  bool blameless = false;
};

SlurmEnding EndingOf(const SlurmJob& job);

// From `squeue --json`, which lists everybody's: those of user `user` whose names begin with
// `prefix`. Versions 22.05 to 24.11 of Slurm write differently; all are read.
//   Errors   UNAVAILABLE when squeue has written down an error, which it does with exit status 0
//            and an empty list; DATA_LOSS for what is no such list.
absl::StatusOr<std::vector<SlurmJob>> ParseSlurmJobs(std::string text, std::string_view prefix,
                                                     uid_t user);

// What has squeue print steps in the way that ParseSlurmSteps reads.
inline constexpr char kSlurmStepFormat[] = "%i|%j|%N";

// Lines of that; others are left out.
std::vector<SlurmStep> ParseSlurmSteps(std::string_view text);

}  // namespace gradus::executors
