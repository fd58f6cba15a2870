// SPDX-License-Identifier: Apache-2.0
// How ranks get started and watched, whatever starts them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gradus/v1/config.pb.h"

namespace gradus::executors {

// Fences are unique in a store's life, so one names a rank.
struct RankKey {
  std::string job;
  int32_t attempt = 0;
  int64_t fence = 0;

  friend bool operator==(const RankKey&, const RankKey&) = default;
};

struct RankSpec {
  RankKey key;
  v1::WorkerConfig config;   // given to the rank on file descriptor 3; its work_dir exists
  int64_t memory_bytes = 0;  // what the rank may take; more fails inside the rank or ends it
  int32_t cores = 1;
  int64_t time_limit_micros = 0;  // that its job has left; 0: none
  std::string job_name;           // for people
};

struct RankExit {
  RankKey key;
  // In words: "exited with 1", "killed by signal 9 (Killed)", "gone" for a rank that was not this
  // process's child.
  std::string reason;
  bool clean = false;  // exited with 0
  // Whether anybody saw how it ended; else it may have been clean.
  bool known = true;
  // Somebody has cancelled it where it waited or ran, past this server: its job is not tried again.
  bool cancelled = false;
  // It was taken away, or never got to run, by no fault of its own: not counted as a failure.
  bool blameless = false;
};

// A rank found alive after a restart.
struct FoundRank {
  RankKey key;
  std::string handle;
};

// Starts ranks, ends them, and tells when they are gone with all that they started.
//   Threads  any.
class Executor {
 public:
  virtual ~Executor() = default;

  // Exits are told here, one at a time, on a thread of the executor; it must not block. Set it
  // before the first Start or Adopt. Once OnExit(nullptr) has returned, none is told any more.
  virtual void OnExit(std::function<void(const RankExit&)> callback) = 0;

  // Starts ranks of one job that need each other: all of them or, with an error, none. Returns for
  // each a handle by which a later server process can find it again.
  virtual absl::StatusOr<std::vector<std::string>> Start(std::span<const RankSpec> gang) = 0;

  // The ranks of this store that live, by whomever started. For recovery; before the first Start.
  virtual absl::StatusOr<std::vector<FoundRank>> Find() = 0;
  // Watches a found rank from now on, as if started here.
  virtual absl::Status Adopt(const FoundRank& rank) = 0;

  // Ends the rank and everything that it started, at once (SIGKILL). Its exit is told as usual. OK
  // when it is gone already.
  virtual void Kill(const RankKey& key) = 0;

  // What a rank waits for that does not run yet, for people: "waits in Slurm's queue (Resources)".
  // Empty where it runs, or nothing is known.
  virtual std::string Waiting(const RankKey& /*key*/) { return ""; }

  // Whether ranks take processors and memory of this machine, which the server then shares out;
  // else the executor has a queue of its own, in which ranks may wait.
  virtual bool is_local() const = 0;
};

}  // namespace gradus::executors
