// SPDX-License-Identifier: Apache-2.0
// The token bucket: a burst, then the rate, each user for themselves.
#include "server/api/rate_limit.h"

#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"

namespace gradus::api {
namespace {

class SetClock : public base::Clock {
 public:
  int64_t NowMicros() const override { return now; }
  int64_t MonotonicMicros() const override { return now; }
  bool WaitUntil(base::Mutex&, base::CondVar&, int64_t,
                 absl::FunctionRef<bool()> predicate) override {
    return predicate();
  }
  int64_t now = 1'000'000'000;
};

int Granted(RateLimiter& limiter, const std::string& user, int tries) {
  int granted = 0;
  for (int i = 0; i < tries; ++i) granted += limiter.Take(user).ok() ? 1 : 0;
  return granted;
}

TEST(RateLimiter, GivesTheBurstThenTheRate) {
  SetClock clock;
  RateLimiter limiter(clock, {.burst = 60, .per_second = 10});
  EXPECT_EQ(Granted(limiter, "ann", 100), 60);
  clock.now += 1'000'000;
  EXPECT_EQ(Granted(limiter, "ann", 100), 10);
}

TEST(RateLimiter, NeverHoldsMoreThanTheBurst) {
  SetClock clock;
  RateLimiter limiter(clock, {.burst = 60, .per_second = 10});
  EXPECT_EQ(Granted(limiter, "ann", 100), 60);
  clock.now += int64_t{3600} * 1'000'000;
  EXPECT_EQ(Granted(limiter, "ann", 100), 60);
}

TEST(RateLimiter, OneUsersFloodCostsNoOther) {
  SetClock clock;
  RateLimiter limiter(clock, {.burst = 5, .per_second = 1});
  EXPECT_EQ(Granted(limiter, "ann", 100), 5);
  EXPECT_EQ(Granted(limiter, "bob", 5), 5);
}

TEST(RateLimiter, SaysWhenToComeBack) {
  SetClock clock;
  RateLimiter limiter(clock, {.burst = 1, .per_second = 0.5});
  ASSERT_TRUE(limiter.Take("ann").ok());
  const absl::Status refused = limiter.Take("ann");
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  const auto payload = refused.GetPayload("type.googleapis.com/google.rpc.RetryInfo");
  ASSERT_TRUE(payload.has_value());
  google::rpc::RetryInfo info;
  ASSERT_TRUE(info.ParseFromString(std::string(*payload)));
  EXPECT_EQ(info.retry_delay().seconds(), 2);
  clock.now += 2'000'000;
  EXPECT_TRUE(limiter.Take("ann").ok());
}

}  // namespace
}  // namespace gradus::api
