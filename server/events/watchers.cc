// SPDX-License-Identifier: Apache-2.0
#include "server/events/watchers.h"

#include <utility>

namespace gradus::events {

class EventLog::Watchers::Hold final : public Subscription {
 public:
  Hold(std::shared_ptr<Watchers> watchers, std::string job, std::shared_ptr<Watcher> watcher)
      : watchers_(std::move(watchers)), job_(std::move(job)), watcher_(std::move(watcher)) {}
  ~Hold() override { watchers_->Remove(job_, watcher_); }

 private:
  const std::shared_ptr<Watchers> watchers_;
  const std::string job_;
  const std::shared_ptr<Watcher> watcher_;
};

std::unique_ptr<Subscription> EventLog::Watchers::Add(const std::string& job,
                                                      std::function<void()> wake) {
  auto watcher = std::make_shared<Watcher>(std::move(wake));
  base::MutexLock lock(mu_);
  by_job_[job].push_back(watcher);
  return std::make_unique<Hold>(shared_from_this(), job, std::move(watcher));
}

void EventLog::Watchers::Wake(const std::string& job) {
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    base::MutexLock lock(mu_);
    const auto found = by_job_.find(job);
    if (found == by_job_.end()) return;
    watchers = found->second;
  }
  for (const std::shared_ptr<Watcher>& watcher : watchers) watcher->Call();
}

void EventLog::Watchers::WakeAll() {
  std::vector<std::string> jobs;
  {
    base::MutexLock lock(mu_);
    for (const auto& [job, watchers] : by_job_) jobs.push_back(job);
  }
  for (const std::string& job : jobs) Wake(job);
}

void EventLog::Watchers::Remove(const std::string& job, const std::shared_ptr<Watcher>& watcher) {
  {
    base::MutexLock lock(mu_);
    const auto found = by_job_.find(job);
    std::erase(found->second, watcher);
    if (found->second.empty()) by_job_.erase(found);
  }
  watcher->Cancel();
}

}  // namespace gradus::events
