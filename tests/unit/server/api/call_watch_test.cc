// SPDX-License-Identifier: Apache-2.0
// Calls end when their time is up, and only then.
#include "server/api/call_watch.h"

#include <atomic>

#include "gtest/gtest.h"

namespace gradus::api {
namespace {

constexpr int64_t kLong = int64_t{3600} * 1'000'000;

// Waits until `flag` is set, far longer than any case needs.
bool WaitFor(const std::atomic<bool>& flag) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!flag && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  return flag;
}

TEST(CallWatch, ExpiresACallWhoseTimeIsUp) {
  CallWatch watch(base::RealClock());
  std::atomic<bool> expired = false;
  const CallWatch::Guard guard(watch, 1000, [&] { expired = true; });
  EXPECT_TRUE(WaitFor(expired));
  EXPECT_LE(guard.LeftMicros(), 0);
}

TEST(CallWatch, AShortCallIsSeenBehindALongOne) {
  CallWatch watch(base::RealClock());
  std::atomic<bool> long_expired = false;
  std::atomic<bool> short_expired = false;
  const CallWatch::Guard slow(watch, kLong, [&] { long_expired = true; });
  const CallWatch::Guard quick(watch, 1000, [&] { short_expired = true; });
  EXPECT_TRUE(WaitFor(short_expired));
  EXPECT_FALSE(long_expired);
  EXPECT_GT(slow.LeftMicros(), 0);
}

TEST(CallWatch, ExtendGivesMoreTimeAndLess) {
  CallWatch watch(base::RealClock());
  std::atomic<bool> expired = false;
  CallWatch::Guard guard(watch, kLong, [&] { expired = true; });
  guard.Extend(2 * kLong);
  EXPECT_GT(guard.LeftMicros(), kLong);
  guard.Extend(1000);
  EXPECT_TRUE(WaitFor(expired));
}

TEST(CallWatch, AnExpiredCallStaysExpired) {
  CallWatch watch(base::RealClock());
  std::atomic<bool> expired = false;
  CallWatch::Guard guard(watch, 1000, [&] { expired = true; });
  ASSERT_TRUE(WaitFor(expired));
  guard.Extend(kLong);
  EXPECT_LE(guard.LeftMicros(), 0);
}

TEST(CallWatch, ACallThatEndedIsNotExpired) {
  CallWatch watch(base::RealClock());
  std::atomic<int> late = 0;
  for (int i = 0; i < 1000; ++i) {
    auto alive = std::make_shared<std::atomic<bool>>(true);
    {
      const CallWatch::Guard guard(watch, i % 50, [&late, alive] { late += *alive ? 0 : 1; });
    }
    *alive = false;
  }
  EXPECT_EQ(late, 0);
}

}  // namespace
}  // namespace gradus::api
