// SPDX-License-Identifier: Apache-2.0
// The versions that are in memory, on their way there or about to leave.
#pragma once

#include <poll.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "server/serving/pool.h"
#include "server/serving/served_process.h"

namespace gradus::serving {

// A request that waits.
struct Pending {
  std::shared_ptr<const Loadable> model;
  int64_t rows = 0;
  std::string inputs;
  Done done;
  bool again = false;  // its first process has died: it goes alone
};

// What Pool promises, without a thread: all of it is done by who calls.
//   Threads  one.
class Residents {
 public:
  Residents(base::Clock& clock, const PoolOptions& options) : clock_(clock), options_(options) {}

  void Submit(Pending pending);
  // Loads what there is room for, and ends what is idle, has left or takes too long.
  void Step();
  // Adds what to wait for. Handle takes what has come of it, in that order.
  void Watch(std::vector<pollfd>* fds);
  void Handle(const pollfd* fds, size_t count);
  // When Step must be called at the latest.
  int64_t NextDeadline() const;
  // Answers all that waits with `status`, and ends all processes.
  void Close(const absl::Status& status);
  std::vector<std::string> Loaded() const;

 private:
  struct Resident {
    std::shared_ptr<const Loadable> model;
    std::unique_ptr<ServedProcess> process;  // null: waits for memory
    bool loaded = false;
    int64_t memory = 0;  // as estimated, later as told
    int64_t used_micros = 0;
    int64_t deadline_micros = 0;  // of the load, or of the next answer
    std::deque<Pending> queued;   // until it is loaded, or for one that goes alone
    std::map<uint64_t, Pending> asked;
  };
  using Owned = std::unique_ptr<Resident>;

  // What is queued, up to what must go alone.
  void SendQueued(Resident& resident);
  void Send(Resident& resident, Pending pending);
  void Exchange(Resident& resident);
  // It is loaded, and says that it takes so many bytes. RESOURCE_EXHAUSTED where that is too much.
  absl::Status Welcome(Resident& resident, int64_t memory);
  // DATA_LOSS where it is none to anything that was asked.
  absl::Status TakeAnswer(Resident& resident, v1::ServeAnswer answer);
  // From residents_ or leaving_.
  Owned Take(const Resident& resident);
  // Its process has died or is given up: what it was asked is asked once more of another.
  void Lose(const Resident& resident, const absl::Status& why);
  // It cannot be loaded.
  void Refuse(const Resident& resident, const absl::Status& status);
  void LoadWaiting();
  // RESOURCE_EXHAUSTED for more than all together may take.
  absl::Status CheckMemory(int64_t bytes) const;
  // Whether there is memory for so much more; else makes some one leave.
  bool MakeRoom(int64_t bytes);
  // The one that was asked for longest ago, of those that have nothing to answer or of all.
  Resident* LeastUsed(bool idle) const;
  absl::Status CheckDeaths(const std::string& ref);
  int64_t DueAt(const Resident& resident) const;

  base::Clock& clock_;
  const PoolOptions options_;
  uint64_t next_id_ = 1;
  std::map<std::string, Owned> residents_;  // by reference
  std::deque<std::string> waiting_;         // of these, in the order of their coming
  std::vector<Owned> leaving_;              // take no requests any more
  std::vector<Resident*> watched_;
  std::map<std::string, std::deque<int64_t>> deaths_;  // when, by reference
};

}  // namespace gradus::serving
