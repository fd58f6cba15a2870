// SPDX-License-Identifier: Apache-2.0
// Who wants to be woken when a job's log grows.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/mutex.h"
#include "server/events/event_log.h"

namespace gradus::events {

//   Threads  any.
class EventLog::Watchers : public std::enable_shared_from_this<EventLog::Watchers> {
 public:
  std::unique_ptr<Subscription> Add(const std::string& job, std::function<void()> wake);
  // Calls everyone who watches `job`; holds no lock of its own meanwhile.
  void Wake(const std::string& job);

 private:
  class Hold;

  struct Watcher {
    void Call();
    // No call begins after this; waits for one under way, unless it is this thread's own.
    void Cancel();

    base::Mutex mu;
    base::CondVar idle;
    std::function<void()> wake;  // constant after construction
    bool cancelled ABSL_GUARDED_BY(mu) = false;
    bool busy ABSL_GUARDED_BY(mu) = false;
    std::thread::id caller ABSL_GUARDED_BY(mu);
  };

  void Remove(const std::string& job, const std::shared_ptr<Watcher>& watcher);

  base::Mutex mu_;
  std::map<std::string, std::vector<std::shared_ptr<Watcher>>> by_job_ ABSL_GUARDED_BY(mu_);
};

}  // namespace gradus::events
