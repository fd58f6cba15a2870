// SPDX-License-Identifier: Apache-2.0
#include "server/api/rate_limit.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/rpc/error_details.pb.h"

namespace gradus::api {
namespace {

constexpr double kMicros = 1e6;

absl::Status Exhausted(const std::string& user, double wait_seconds) {
  absl::Status status = absl::ResourceExhaustedError(
      absl::StrFormat("%s sends too many requests: try again in %.1f seconds", user, wait_seconds));
  google::rpc::RetryInfo info;
  const double whole = std::floor(wait_seconds);
  info.mutable_retry_delay()->set_seconds(static_cast<int64_t>(whole));
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>((wait_seconds - whole) * 1e9));
  status.SetPayload("type.googleapis.com/google.rpc.RetryInfo",
                    absl::Cord(info.SerializeAsString()));
  return status;
}

}  // namespace

absl::Status RateLimiter::Take(const std::string& user) {
  const int64_t now = clock_.MonotonicMicros();
  double missing = 0;
  {
    base::MutexLock lock(mu_);
    Bucket& bucket = buckets_.try_emplace(user, Bucket{limits_.burst, now}).first->second;
    bucket.units =
        std::min(limits_.burst, bucket.units + static_cast<double>(now - bucket.filled_micros) /
                                                   kMicros * limits_.per_second);
    bucket.filled_micros = now;
    if (bucket.units >= 1) {
      bucket.units -= 1;
      return absl::OkStatus();
    }
    missing = 1 - bucket.units;
  }
  return Exhausted(user, missing / limits_.per_second);
}

}  // namespace gradus::api
