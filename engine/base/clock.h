// SPDX-License-Identifier: Apache-2.0
// The seam through which time comes in, so that tests can turn the clock.
#pragma once

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "engine/base/mutex.h"

namespace gradus::base {

// Wall time for what people read, monotonic time for what is measured or waited for: wall time may
// jump either way.
//   Threads  any.
class Clock {
 public:
  virtual ~Clock() = default;

  // Microseconds since 1970-01-01 UTC.
  virtual int64_t NowMicros() const = 0;

  // Microseconds since an arbitrary point; never goes back.
  virtual int64_t MonotonicMicros() const = 0;

  // Waits on `cv` until `predicate` holds or MonotonicMicros() reaches `deadline_micros`; returns
  // whether the predicate holds. REQUIRES: `mu` is held; it is given up while waiting, and the
  // predicate runs under it.
  virtual bool WaitUntil(Mutex& mu, CondVar& cv, int64_t deadline_micros,
                         absl::FunctionRef<bool()> predicate) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) = 0;

  // WaitUntil with a deadline of now + `timeout_micros`.
  bool WaitFor(Mutex& mu, CondVar& cv, int64_t timeout_micros, absl::FunctionRef<bool()> predicate)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
};

// The machine's clock. Lives for ever.
Clock& RealClock();

}  // namespace gradus::base
