// SPDX-License-Identifier: Apache-2.0
// Waits end when their condition holds or their time has come, on the machine's clock and on a
// turned one.
#include "engine/base/clock.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

#include "tests/support/fake_clock.h"

namespace gradus::base {
namespace {

using test_support::FakeClock;

TEST(RealClock, ReturnsAtTheDeadline) {
  Mutex mu;
  CondVar cv;
  const MutexLock lock(mu);
  const int64_t start = RealClock().MonotonicMicros();
  EXPECT_FALSE(RealClock().WaitFor(mu, cv, 20000, [] { return false; }));
  EXPECT_GE(RealClock().MonotonicMicros() - start, 20000);
}

TEST(RealClock, WaitsForEverWithoutOverflow) {
  Mutex mu;
  CondVar cv;
  bool done = false;
  std::thread other([&] {
    const MutexLock lock(mu);
    done = true;
    cv.SignalAll();
  });
  {
    const MutexLock lock(mu);
    EXPECT_TRUE(
        RealClock().WaitFor(mu, cv, std::numeric_limits<int64_t>::max(), [&] { return done; }));
  }
  other.join();
}

TEST(FakeClock, AdvanceEndsTheWaitsThatAreDue) {
  FakeClock clock;
  Mutex mu;
  CondVar cv;
  std::vector<std::thread> threads;
  std::vector<int> woken(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const MutexLock lock(mu);
      EXPECT_FALSE(clock.WaitFor(mu, cv, 1000000, [] { return false; }));
      woken[static_cast<size_t>(i)] = 1;
    });
  }
  clock.AwaitWaiters(4);
  clock.Advance(999999);
  {
    const MutexLock lock(mu);
    EXPECT_EQ(woken, std::vector<int>(4, 0));
  }
  clock.Advance(1);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(woken, std::vector<int>(4, 1));
}

TEST(FakeClock, ASignalEndsAWaitBeforeItsTime) {
  FakeClock clock;
  Mutex mu;
  CondVar cv;
  bool done = false;
  std::thread waiter([&] {
    const MutexLock lock(mu);
    EXPECT_TRUE(clock.WaitFor(mu, cv, 1000000, [&] { return done; }));
  });
  clock.AwaitWaiters(1);
  {
    const MutexLock lock(mu);
    done = true;
  }
  cv.SignalAll();
  waiter.join();
}

TEST(FakeClock, WallTimeJumpsAlone) {
  FakeClock clock;
  const int64_t wall = clock.NowMicros();
  const int64_t monotonic = clock.MonotonicMicros();
  clock.JumpWall(-int64_t{86400} * 1000000);
  EXPECT_EQ(clock.NowMicros(), wall - int64_t{86400} * 1000000);
  EXPECT_EQ(clock.MonotonicMicros(), monotonic);
}

}  // namespace
}  // namespace gradus::base
