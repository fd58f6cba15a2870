// SPDX-License-Identifier: Apache-2.0
// What is known of our jobs in Slurm, and what follows from each look at its queue: which ranks
// have ended and why, what to submit and what to cancel.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/executors/executor.h"
#include "server/executors/slurm_names.h"
#include "server/executors/slurm_queue.h"
#include "server/executors/slurm_script.h"

namespace gradus::executors {

// A gang is submitted once in its life and never again: where Slurm's answer was lost, it is looked
// for, and given up when it does not show. Should it show up later still, it is cancelled, and what
// it starts is refused for its old fence. So no fence is ever started twice.
//   Owns     its table; it runs no command and knows no clock.
//   Threads  one call at a time.
class SlurmGangs {
 public:
  explicit SlurmGangs(std::string store_id) : store_id_(std::move(store_id)) {}

  // To be submitted.
  void Add(SlurmBatch batch, const SlurmRanks& ranks);
  // A rank of a job that is in Slurm already.
  void Adopt(const SlurmRanks& ranks, int64_t slurm_job, const RankKey& key);
  // It is to end; a leader takes its gang with it.
  void Kill(const RankKey& key);

  // The next one to submit, once: say what came of it with one of the three that follow.
  std::optional<SlurmBatch> NextToSubmit();
  void Submitted(const std::string& name, int64_t slurm_job);
  void Refused(const std::string& name, const std::string& why);
  void Unclear(const std::string& name, int64_t now_micros);

  // A whole look at the queue. `now_micros` is monotonic.
  void Look(const std::vector<SlurmJob>& jobs, int64_t now_micros);
  // The controller does not answer. One that is started anew cancels jobs that it no longer knows
  // of: for a while a cancel is nobody's wish, and the job is tried again.
  void ControllerAway(int64_t now_micros) { away_at_ = now_micros; }
  // Jobs whose steps have to be looked at, and what was found.
  std::vector<int64_t> JobsOfSteps() const;
  void LookAtSteps(const std::vector<SlurmStep>& steps, int64_t now_micros);

  // "17" or "17.1": what is to be cancelled, again and again until it is gone.
  std::vector<std::string> ToCancel() const;
  // What the rank waits for; empty where it runs or is not known.
  std::string Waiting(const RankKey& key);
  // Ends that were not told yet.
  std::vector<RankExit> TakeExits();
  bool empty() const { return gangs_.empty(); }

 private:
  enum class Stage { kToSubmit, kSubmitting, kUnclear, kInSlurm };
  struct Rank {
    RankKey key;
    bool leads = false;
    bool killed = false;
    bool told = false;
    std::string step;      // "17.1" once it was seen
    int times_missed = 0;  // in a row, by looks at the steps
  };
  struct Gang {
    SlurmBatch batch;
    Stage stage = Stage::kToSubmit;
    int64_t slurm_job = 0;
    std::vector<Rank> ranks;
    std::vector<std::string> nodes;
    int64_t unclear_since = 0;
    int64_t running_since = 0;  // 0: it was not seen to run
    int64_t start_time = 0;     // Slurm's
    int times_missed = 0;       // in a row, by looks at the queue
    bool listed = false;        // by the newest look: its number is its own
    int64_t leaving_since = 0;  // 0: it is not leaving its nodes
    std::string reason;         // Slurm's, why it waits
    std::string lost_by;        // not empty: why it is being cancelled though nobody asked
  };

  Rank* Find(const RankKey& key, Gang** gang = nullptr);
  void Tell(Rank& rank, const SlurmEnding& ending);
  void TellAll(Gang& gang, const SlurmEnding& ending);
  void Seen(Gang& gang, const SlurmJob& job, int64_t now_micros);
  void Missed(Gang& gang, int64_t now_micros);
  void LookForStrays(const std::vector<SlurmJob>& jobs);
  void Tidy();

  const std::string store_id_;
  std::map<std::string, Gang> gangs_;  // by name
  int64_t newest_fence_ = 0;           // of those that were added here
  std::set<int64_t> strays_;           // Slurm's numbers
  std::vector<RankExit> exits_;
  int64_t away_at_ = 0;    // when the controller was last found to be away; 0: never
  int64_t looked_at_ = 0;  // of the newest look
};

}  // namespace gradus::executors
