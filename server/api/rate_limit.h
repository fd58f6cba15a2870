// SPDX-License-Identifier: Apache-2.0
// Keeps one user from flooding the others: a token bucket a user for calls that write.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "engine/base/mutex.h"

namespace gradus::api {

// Calls at once, and a second in the long run; the settings have defaults and ranges.
struct RateLimits {
  double burst = 0;
  double per_second = 0;
};

//   Owns     nothing: the clock must outlive it.
//   Threads  any.
class RateLimiter {
 public:
  RateLimiter(const base::Clock& clock, RateLimits limits) : clock_(clock), limits_(limits) {}

  // Takes one unit of the user's. RESOURCE_EXHAUSTED when there is none, with a
  // google.rpc.RetryInfo that says when there will be.
  absl::Status Take(const std::string& user);

 private:
  struct Bucket {
    double units;
    int64_t filled_micros;
  };

  const base::Clock& clock_;
  const RateLimits limits_;
  base::Mutex mu_;
  // Users are few (each has a token), so nothing is ever thrown out.
  std::map<std::string, Bucket> buckets_ ABSL_GUARDED_BY(mu_);
};

}  // namespace gradus::api
