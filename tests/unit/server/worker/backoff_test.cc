// SPDX-License-Identifier: Apache-2.0
#include "server/worker/backoff.h"

#include <gtest/gtest.h>

#include <set>

namespace gradus::worker {
namespace {

TEST(Backoff, GrowsToTenSecondsAndNoFurther) {
  Backoff backoff(base::SystemRandom());
  int64_t longest = 0;
  int64_t total = 0;
  for (int i = 0; i < 100; ++i) {
    const int64_t wait = backoff.NextMicros();
    EXPECT_GE(wait, 50'000);
    EXPECT_LE(wait, 10'000'000);
    longest = std::max(longest, wait);
    total += wait;
  }
  EXPECT_GT(longest, 5'000'000);
  EXPECT_GT(total, 90 * int64_t{5'000'000});
}

TEST(Backoff, DiffersFromRankToRank) {
  std::set<int64_t> waits;
  for (int i = 0; i < 200; ++i) waits.insert(Backoff(base::SystemRandom()).NextMicros());
  EXPECT_GT(waits.size(), 150U);
}

TEST(Backoff, StartsAnewAfterASuccess) {
  Backoff backoff(base::SystemRandom());
  for (int i = 0; i < 20; ++i) backoff.NextMicros();
  backoff.Reset();
  EXPECT_LE(backoff.NextMicros(), 100'000);
}

}  // namespace
}  // namespace gradus::worker
