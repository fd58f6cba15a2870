// SPDX-License-Identifier: Apache-2.0
// Who wants to be woken when a job's log grows.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/mutex.h"
#include "server/events/cancellable.h"
#include "server/events/event_log.h"

namespace gradus::events {

//   Threads  any.
class EventLog::Watchers : public std::enable_shared_from_this<EventLog::Watchers> {
 public:
  std::unique_ptr<Subscription> Add(const std::string& job, std::function<void()> wake);
  // Calls everyone who watches `job`, without a lock.
  void Wake(const std::string& job);
  // Calls everyone, likewise.
  void WakeAll();

 private:
  class Hold;
  using Watcher = Cancellable<>;

  void Remove(const std::string& job, const std::shared_ptr<Watcher>& watcher);

  base::Mutex mu_;
  std::map<std::string, std::vector<std::shared_ptr<Watcher>>> by_job_ ABSL_GUARDED_BY(mu_);
};

}  // namespace gradus::events
