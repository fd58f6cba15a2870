// SPDX-License-Identifier: Apache-2.0
// A callback that one side may call from any thread while the other takes it back.
#pragma once

#include <functional>
#include <thread>
#include <utility>

#include "engine/base/mutex.h"

namespace gradus::events {

// Calls take turns; no lock is held during one.
//   Threads  any; Call must not be called from within the callback.
template <typename... Args>
class Cancellable {
 public:
  explicit Cancellable(std::function<void(Args...)> callback) : callback_(std::move(callback)) {}

  // Nothing happens once it is cancelled.
  void Call(Args... args) {
    {
      base::MutexLock lock(mu_);
      idle_.Wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !busy_; });
      if (cancelled_) return;
      busy_ = true;
      caller_ = std::this_thread::get_id();
    }
    callback_(args...);
    base::MutexLock lock(mu_);
    busy_ = false;
    idle_.SignalAll();
  }

  // No call begins after this; waits for one under way, unless it is this thread's own.
  void Cancel() {
    base::MutexLock lock(mu_);
    cancelled_ = true;
    if (busy_ && caller_ == std::this_thread::get_id()) return;
    idle_.Wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !busy_; });
  }

  bool cancelled() const {
    base::MutexLock lock(mu_);
    return cancelled_;
  }

 private:
  const std::function<void(Args...)> callback_;
  mutable base::Mutex mu_;
  base::CondVar idle_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  bool busy_ ABSL_GUARDED_BY(mu_) = false;
  std::thread::id caller_ ABSL_GUARDED_BY(mu_);
};

}  // namespace gradus::events
