// SPDX-License-Identifier: Apache-2.0
// A clock that stands still until a test turns it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>

#include "engine/base/clock.h"

namespace gradus::test_support {

// Wall and monotonic time move together by Advance; JumpWall moves the wall time alone, either way.
//   Threads  any; do not advance while holding a mutex that somebody waits with.
class FakeClock final : public base::Clock {
 public:
  // Starts at 2020-01-01 00:00 UTC, and at a monotonic time that is not 0.
  explicit FakeClock(int64_t wall_micros = 1577836800000000) : wall_(wall_micros) {}

  int64_t NowMicros() const override;
  int64_t MonotonicMicros() const override;
  bool WaitUntil(base::Mutex& mu, base::CondVar& cv, int64_t deadline_micros,
                 absl::FunctionRef<bool()> predicate) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);

  // Both times go on, and everybody whose deadline is reached wakes up.
  void Advance(int64_t micros);
  void JumpWall(int64_t micros);
  // Returns when at least `count` threads are in a wait: what comes before Advance in a test of a
  // timeout.
  void AwaitWaiters(size_t count);

 private:
  struct Waiter {
    base::Mutex* mu;
    base::CondVar* cv;
    int pins;  // Advance calls that are about to signal; the waiter stays until there are none
  };

  mutable base::Mutex mu_;
  base::CondVar changed_;
  int64_t wall_ ABSL_GUARDED_BY(mu_);
  int64_t monotonic_ ABSL_GUARDED_BY(mu_) = 1000000;
  std::list<Waiter> waiters_ ABSL_GUARDED_BY(mu_);
};

}  // namespace gradus::test_support
