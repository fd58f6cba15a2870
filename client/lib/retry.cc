// SPDX-License-Identifier: Apache-2.0
// Exponential back-off with jitter.
#include "gradus/retry.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <random>

#include "gradus/connection.h"
#include "proto/support/status.h"

namespace gradus {
namespace {

double RandomShare() {
  thread_local std::minstd_rand generator(std::random_device{}());
  return std::uniform_real_distribution<double>(0.5, 1.0)(generator);
}

}  // namespace

bool IsTransient(const absl::Status& status) {
  if (status.code() == absl::StatusCode::kUnavailable) return true;
  return status.code() == absl::StatusCode::kResourceExhausted &&
         support::RetryDelayOf(status).has_value();
}

absl::Duration Backoff::Next(const absl::Status& status) {
  const std::optional<absl::Duration> asked = support::RetryDelayOf(status);
  if (asked.has_value()) return std::max(*asked, options_.first_wait);
  const absl::Duration wait = next_ * RandomShare();
  next_ = std::min(next_ * 2, options_.longest_wait);
  return wait;
}

bool WaitFor(const RetryOptions& options, absl::Duration duration, const std::stop_token& stop) {
  if (options.wait) return options.wait(duration, stop);
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, stop, absl::ToChronoNanoseconds(duration), [] { return false; });
  return !stop.stop_requested();
}

bool Connection::Wait(absl::Duration duration, const std::stop_token& stop) {
  return WaitFor(RetryOptions(), duration, stop);
}

absl::Status Retry(const RetryOptions& options, const std::stop_token& stop,
                   const std::function<absl::Status(absl::Time)>& attempt) {
  const absl::Time end = absl::Now() + options.deadline;
  Backoff backoff(options);
  while (true) {
    if (stop.stop_requested()) return absl::CancelledError("stopped");
    const absl::Status status = attempt(std::min(end, absl::Now() + options.attempt));
    if (!status.ok() && stop.stop_requested()) return absl::CancelledError("stopped");
    // An attempt that took too long is a lost reply as long as there is time left.
    const bool lost = status.code() == absl::StatusCode::kDeadlineExceeded;
    if (!lost && !IsTransient(status)) return status;
    const absl::Duration wait = backoff.Next(status);
    if (absl::Now() + wait >= end) return status;
    if (!WaitFor(options, wait, stop)) return absl::CancelledError("stopped");
  }
}

}  // namespace gradus
