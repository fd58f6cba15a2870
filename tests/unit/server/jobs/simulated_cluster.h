// SPDX-License-Identifier: Apache-2.0
// Jobs on a machine as the driver would run them, by a clock that jumps from event to event.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "server/jobs/machine.h"
#include "server/jobs/places.h"
#include "server/jobs/queue.h"
#include "tests/unit/server/jobs/recorded_shape.h"

namespace gradus::jobs {

// Queue, Machine and the rules of places.h, with the steps of the driver's own pass around them;
// ranks, store and executor are played: workers meet 2 s after their start, a place that is given
// up is free 1 s later, a lost member may be replaced 1 s after, and work is done in proportion to
// the workers that a job has, once it has its fewest.
//   Threads  one.
class SimulatedCluster {
 public:
  struct Options {
    int32_t cores = 32'000;
    int64_t memory = int64_t{32'000} << 31;
    double losses = 0.05;  // the share of gangs that lose a member in mid-run
  };

  // What has happened. Waits are in micros, in the order of the jobs.
  struct Record {
    std::vector<int64_t> waits;      // from arrival to start; -1 for a job that never started
    int64_t ended = 0;               // jobs
    int64_t doubled = 0;             // processors that were given while somebody had them
    int64_t overtaken_too_late = 0;  // starts past a first job that had lost its patience
    int64_t too_small = 0;           // jobs shrunk below their fewest workers
    int64_t lost = 0;                // members
    int64_t not_replaced = 0;        // of these, that did not find their place again in time
    int64_t grown = 0;               // places, beyond those of the start
    int64_t given = 0;               // places
    int64_t longest_at_head = 0;     // micros
    int64_t passes = 0;
    int64_t most_waiting = 0;       // jobs
    int64_t most_looks = 0;         // of a pass, by each start or failure to start
    int64_t left_taken = 0;         // processors, when all was over
    double busy = 0;                // core-micros, of `available`
    double available = 0;           // core-micros, while jobs came
    double busy_while_waiting = 0;  // the same while a job waited
    double available_while_waiting = 0;
    int64_t end = 0;  // micros
  };

  SimulatedCluster(const Options& options, const std::vector<ComingJob>& jobs);

  Record Run();

 private:
  enum class Kind { kArrival, kMet, kEnd, kLoss, kReplace, kFreed };
  struct Event {
    int64_t time;
    int64_t number;  // events of one time happen in the order in which they were planned
    Kind kind;
    size_t job;
    int64_t version;  // of a job's end: another one has been planned since, if it differs
    friend bool operator>(const Event& a, const Event& b) {
      return a.time != b.time ? a.time > b.time : a.number > b.number;
    }
  };
  struct Running {
    std::vector<std::vector<int>> places;  // the leader's first
    bool computes = false;
    double left = 0;  // worker-micros
    int64_t since = 0;
    int64_t version = 0;
    int64_t not_before = 0;
  };

  void Plan(int64_t time, Kind kind, size_t job, int64_t version = 0);
  void Happen(const Event& event);
  void Pass();
  void Start(const Demand& demand, const Supply& free);
  void CheckTurn(const Demand& started, const Demand& first);
  void Lose(size_t job);
  void Shrink();
  void Grow();
  bool TakePlace(size_t job, Running& running);
  void GivePlaces(size_t job, const std::vector<std::vector<int>>& places);
  void Progress(size_t job, Running& running);
  void Elapse(int64_t time);
  const Demand& DemandOf(size_t job) const { return jobs_[job].demand; }
  Holding HoldingOf(size_t job, const Running& running) const;
  std::vector<Holding> Holdings(const std::map<size_t, Running*>& of) const;

  const Options options_;
  const std::vector<ComingJob>& jobs_;
  Queue queue_;
  Machine machine_;
  int64_t now_ = 0;
  int64_t planned_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::map<size_t, Running> running_;
  std::map<size_t, Running*> elastic_;                       // those that may grow or shrink
  std::map<size_t, Running*> broken_;                        // those that have lost a member
  std::deque<std::pair<size_t, std::vector<int>>> leaving_;  // places given up, not yet free
  Supply coming_;                                            // these together
  std::vector<bool> taken_;
  std::map<size_t, int64_t> overtaken_;  // when a first job was, for the first time
  std::optional<std::string> head_;
  int64_t head_since_ = 0;
  Record record_;
};

}  // namespace gradus::jobs
