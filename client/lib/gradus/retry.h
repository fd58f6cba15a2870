// SPDX-License-Identifier: Apache-2.0
// When a call that failed is made again, and how long to wait before that.
#pragma once

#include <functional>
#include <stop_token>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace gradus {

struct RetryOptions {
  // All attempts of one call together. Greater than 0.
  absl::Duration deadline = absl::Seconds(30);
  // One attempt; a server that answers nothing for so long is asked again.
  absl::Duration attempt = absl::Seconds(15);
  // The first wait and the longest; each is about twice the one before, and between half and all of
  // it, by chance, so that many clients do not come back at once.
  absl::Duration first_wait = absl::Milliseconds(100);
  absl::Duration longest_wait = absl::Seconds(5);
  // Waits, or returns false early when asked to stop. A Client without one waits as its connection
  // does.
  std::function<bool(absl::Duration, const std::stop_token&)> wait;
};

// Whether the same call may succeed in a moment: UNAVAILABLE, or RESOURCE_EXHAUSTED with a hint
// when to come back.
bool IsTransient(const absl::Status& status);

// The waits between the attempts of one call. Not thread-safe.
class Backoff {
 public:
  explicit Backoff(const RetryOptions& options) : options_(options), next_(options.first_wait) {}
  // How long to wait after `status`: what the server said, or the next step.
  absl::Duration Next(const absl::Status& status);
  // Something went well: begin with short waits again.
  void Reset() { next_ = options_.first_wait; }

 private:
  const RetryOptions options_;
  absl::Duration next_;
};

// Waits with options.wait, or on the clock. False when asked to stop.
bool WaitFor(const RetryOptions& options, absl::Duration duration, const std::stop_token& stop);

// Calls `attempt` with the deadline of each attempt until it answers something that is not
// transient (an attempt whose own deadline passed counts as lost), the deadline of all has passed
// or a stop is asked for (CANCELLED). The request must be one that may be sent twice: a read, or
// one with a request_id.
//   Threads  `attempt` runs on the calling thread.
//   Errors   that of the last attempt.
absl::Status Retry(const RetryOptions& options, const std::stop_token& stop,
                   const std::function<absl::Status(absl::Time deadline)>& attempt);

}  // namespace gradus
