// SPDX-License-Identifier: Apache-2.0
#include "server/exit_timer.h"

#include <unistd.h>

#include "gtest/gtest.h"

namespace gradus::server {
namespace {

// Each in a process of its own, of which only the exit status is looked at.
TEST(ExitTimerDeathTest, EndsAProcessThatHangs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        ExitTimer timer(base::RealClock(), 10'000);
        while (true) pause();
      },
      ::testing::ExitedWithCode(0), "calls that would not end");
}

TEST(ExitTimerDeathTest, LetsOneGoThatEndsInTime) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        { ExitTimer timer(base::RealClock(), int64_t{3600} * 1'000'000); }
        _exit(3);
      },
      ::testing::ExitedWithCode(3), "");
}

}  // namespace
}  // namespace gradus::server
