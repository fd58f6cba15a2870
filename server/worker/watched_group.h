// SPDX-License-Identifier: Apache-2.0
// A group that can be looked at, and ended, from outside while a run uses it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "engine/collective/group.h"

namespace gradus::worker {

// What is known of a group, also when it is gone.
//   Threads  any.
class GroupWatch {
 public:
  explicit GroupWatch(base::Clock& clock) : clock_(clock) {}

  // For how long the wait for another rank lasts that is under way; 0: there is none.
  int64_t waiting_micros() const;
  // The longest of those that ended well.
  int64_t longest_micros() const { return longest_.load(std::memory_order_relaxed); }
  // As Group::Abort; nothing where the group is gone.
  void Abort();

 private:
  friend class WatchedGroup;
  friend class WatchedTransfer;

  base::Clock& clock_;
  // In monotonic time; 0: none. Of the group's one thread, and read by others.
  std::atomic<int64_t> since_{0};
  std::atomic<int64_t> longest_{0};
  // Held during an Abort, so that the group outlives it.
  base::Mutex mu_;
  collective::Group* group_ ABSL_GUARDED_BY(mu_) = nullptr;
};

// `group` as it is, but for notes in `watch`, which has watched no other.
std::unique_ptr<collective::Group> Watched(std::unique_ptr<collective::Group> group,
                                           std::shared_ptr<GroupWatch> watch);

}  // namespace gradus::worker
