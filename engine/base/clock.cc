// SPDX-License-Identifier: Apache-2.0
// The machine's clock.
#include "engine/base/clock.h"

#include <chrono>
#include <limits>

namespace gradus::base {
namespace {

class MachineClock final : public Clock {
 public:
  int64_t NowMicros() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  int64_t MonotonicMicros() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  bool WaitUntil(Mutex& mu, CondVar& cv, int64_t deadline_micros,
                 absl::FunctionRef<bool()> predicate) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    // The clock counts nanoseconds in 64 bits: a deadline beyond its range is none.
    constexpr int64_t kForever = std::numeric_limits<int64_t>::max() / 1000;
    if (deadline_micros >= kForever) {
      cv.Wait(mu, predicate);
      return true;
    }
    const std::chrono::steady_clock::time_point deadline{
        std::chrono::microseconds(deadline_micros)};
    return cv.WaitUntil(mu, deadline, predicate);
  }
};

}  // namespace

bool Clock::WaitFor(Mutex& mu, CondVar& cv, int64_t timeout_micros,
                    absl::FunctionRef<bool()> predicate) {
  const int64_t now = MonotonicMicros();
  const int64_t room = std::numeric_limits<int64_t>::max() - now;
  return WaitUntil(
      mu, cv, timeout_micros > room ? std::numeric_limits<int64_t>::max() : now + timeout_micros,
      predicate);
}

Clock& RealClock() {
  static MachineClock clock;
  return clock;
}

}  // namespace gradus::base
