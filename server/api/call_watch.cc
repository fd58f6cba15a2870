// SPDX-License-Identifier: Apache-2.0
#include "server/api/call_watch.h"

#include <algorithm>
#include <utility>

namespace gradus::api {

CallWatch::Guard::Guard(CallWatch& watch, int64_t allowed_micros, std::function<void()> expire)
    : watch_(watch) {
  const int64_t deadline = watch_.clock_.MonotonicMicros() + allowed_micros;
  base::MutexLock lock(watch_.mu_);
  entry_ = watch_.entries_.insert(watch_.entries_.end(), {deadline, std::move(expire)});
  if (deadline < watch_.next_deadline_) watch_.changed_.Signal();
}

CallWatch::Guard::~Guard() {
  base::MutexLock lock(watch_.mu_);
  watch_.entries_.erase(entry_);
}

void CallWatch::Guard::Extend(int64_t allowed_micros) {
  const int64_t deadline = watch_.clock_.MonotonicMicros() + allowed_micros;
  base::MutexLock lock(watch_.mu_);
  // One that has expired stays so.
  if (entry_->deadline_micros == INT64_MAX) return;
  entry_->deadline_micros = deadline;
  if (deadline < watch_.next_deadline_) watch_.changed_.Signal();
}

int64_t CallWatch::Guard::LeftMicros() const {
  base::MutexLock lock(watch_.mu_);
  if (entry_->deadline_micros == INT64_MAX) return 0;
  return entry_->deadline_micros - watch_.clock_.MonotonicMicros();
}

CallWatch::CallWatch(base::Clock& clock) : clock_(clock), thread_([this] { Run(); }) {}

CallWatch::~CallWatch() {
  {
    base::MutexLock lock(mu_);
    stopping_ = true;
    changed_.Signal();
  }
  thread_.join();
}

void CallWatch::Run() {
  base::MutexLock lock(mu_);
  while (!stopping_) {
    next_deadline_ = INT64_MAX;
    for (const Entry& entry : entries_)
      next_deadline_ = std::min(next_deadline_, entry.deadline_micros);
    const int64_t planned = next_deadline_;
    if (planned == INT64_MAX) {
      changed_.Wait(mu_);
    } else if (!clock_.WaitUntil(
                   mu_, changed_, planned, [this, planned]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
                     return stopping_ || std::any_of(entries_.begin(), entries_.end(),
                                                     [planned](const Entry& entry) {
                                                       return entry.deadline_micros < planned;
                                                     });
                   })) {
      ExpireDue();
    }
  }
}

void CallWatch::ExpireDue() {
  const int64_t now = clock_.MonotonicMicros();
  for (Entry& entry : entries_) {
    if (entry.deadline_micros > now) continue;
    entry.deadline_micros = INT64_MAX;
    // Under the lock, so that the call's Guard cannot go away meanwhile; it only marks the call as
    // cancelled.
    entry.expire();
  }
}

}  // namespace gradus::api
