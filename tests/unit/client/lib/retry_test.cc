// SPDX-License-Identifier: Apache-2.0
#include "gradus/retry.h"

#include <gtest/gtest.h>

#include <vector>

#include "proto/support/status.h"

namespace gradus {
namespace {

struct Waits {
  std::vector<absl::Duration> all;
  RetryOptions options;
  Waits() {
    options.wait = [this](absl::Duration duration, const std::stop_token&) {
      all.push_back(duration);
      return true;
    };
  }
};

TEST(Retry, ComesBackAfterUnavailableUntilItIsAnswered) {
  Waits waits;
  int attempts = 0;
  EXPECT_TRUE(Retry(waits.options, {}, [&](absl::Time) {
                return ++attempts < 4 ? absl::UnavailableError("away") : absl::OkStatus();
              }).ok());
  EXPECT_EQ(attempts, 4);
  EXPECT_EQ(waits.all.size(), 3u);
}

TEST(Retry, LeavesAnAnswerThatIsOne) {
  for (const absl::StatusCode code :
       {absl::StatusCode::kInvalidArgument, absl::StatusCode::kNotFound,
        absl::StatusCode::kInternal, absl::StatusCode::kUnauthenticated,
        absl::StatusCode::kResourceExhausted}) {
    Waits waits;
    int attempts = 0;
    EXPECT_EQ(
        Retry(waits.options, {}, [&](absl::Time) { return ++attempts, absl::Status(code, "x"); })
            .code(),
        code);
    EXPECT_EQ(attempts, 1);
  }
}

TEST(Retry, WaitsGrowWithinJitterUpToTheLongest) {
  RetryOptions options;
  Backoff backoff(options);
  absl::Duration expected = options.first_wait;
  for (int i = 0; i < 12; ++i) {
    const absl::Duration wait = backoff.Next(absl::UnavailableError("x"));
    EXPECT_GE(wait, expected / 2);
    EXPECT_LE(wait, expected);
    expected = std::min(expected * 2, options.longest_wait);
  }
  backoff.Reset();
  EXPECT_LE(backoff.Next(absl::UnavailableError("x")), options.first_wait);
}

TEST(Retry, WaitsAsLongAsTheServerSays) {
  Waits waits;
  int attempts = 0;
  const absl::Status busy =
      support::WithRetryDelay(absl::ResourceExhaustedError("slowly"), absl::Seconds(7));
  EXPECT_TRUE(Retry(waits.options, {}, [&](absl::Time) {
                return ++attempts == 1 ? busy : absl::OkStatus();
              }).ok());
  EXPECT_EQ(waits.all, std::vector<absl::Duration>{absl::Seconds(7)});
}

TEST(Retry, AHintOfNothingMakesNoBusyLoop) {
  const RetryOptions options;
  Backoff backoff(options);
  EXPECT_GE(backoff.Next(support::WithRetryDelay(absl::UnavailableError("x"), absl::Seconds(0))),
            options.first_wait);
}

TEST(Retry, AStopDuringAnAttemptIsTheAnswer) {
  std::stop_source stop;
  EXPECT_EQ(Retry(RetryOptions(), stop.get_token(),
                  [&](absl::Time) {
                    stop.request_stop();
                    return absl::InternalError("broken off");
                  }),
            absl::CancelledError("stopped"));
}

TEST(Retry, GivesUpBeforeADeadlineThatTheWaitWouldPass) {
  Waits waits;
  waits.options.deadline = absl::Milliseconds(1);
  EXPECT_EQ(
      Retry(waits.options, {}, [](absl::Time) { return absl::UnavailableError("away"); }).code(),
      absl::StatusCode::kUnavailable);
  EXPECT_TRUE(waits.all.empty());
}

TEST(Retry, NoAttemptMayTakeLongerThanItsShare) {
  Waits waits;
  waits.options.attempt = absl::Seconds(3);
  const absl::Time before = absl::Now();
  EXPECT_TRUE(Retry(waits.options, {}, [&](absl::Time deadline) {
                EXPECT_LE(deadline, absl::Now() + absl::Seconds(3));
                EXPECT_GE(deadline, before);
                return absl::OkStatus();
              }).ok());
}

TEST(Retry, AStopEndsItAtOnce) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(
      Retry(RetryOptions(), stop.get_token(), [](absl::Time) { return absl::OkStatus(); }).code(),
      absl::StatusCode::kCancelled);
}

TEST(Retry, AStopEndsARealWait) {
  std::stop_source stop;
  stop.request_stop();
  const absl::Time before = absl::Now();
  EXPECT_FALSE(WaitFor(RetryOptions(), absl::Hours(1), stop.get_token()));
  EXPECT_LT(absl::Now() - before, absl::Minutes(1));
}

}  // namespace
}  // namespace gradus
