// SPDX-License-Identifier: Apache-2.0
// Parts of a loop cover it once, at the same boundaries each time.
#include "engine/kernels/parallel.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <utility>
#include <vector>

namespace gradus::kernels {
namespace {

using Parts = std::set<std::pair<size_t, size_t>>;

Parts PartsOf(int threads, size_t count, size_t grain) {
  Parts parts;
  std::mutex mutex;
  ParallelRanges(threads, count, grain, [&](size_t begin, size_t end) {
    const std::lock_guard lock(mutex);
    parts.emplace(begin, end);
  });
  return parts;
}

TEST(ParallelRanges, CoverEverythingOnceInWholeGrains) {
  for (const size_t count : {size_t{32'768}, size_t{100'001}, size_t{1} << 20}) {
    for (const int threads : {2, 3, 7}) {
      const Parts parts = PartsOf(threads, count, 16);
      EXPECT_EQ(parts.size(), static_cast<size_t>(threads));
      size_t at = 0;
      for (const auto& [begin, end] : parts) {
        EXPECT_EQ(begin, at);
        EXPECT_EQ(begin % 16, 0u);
        EXPECT_LT(begin, end);
        at = end;
      }
      EXPECT_EQ(at, count);
      EXPECT_EQ(PartsOf(threads, count, 16), parts);
    }
  }
}

TEST(ParallelRanges, AreOnePartWhereThreadsDoNotPay) {
  EXPECT_EQ(PartsOf(2, 1000, 16), (Parts{{0, 1000}}));
  EXPECT_EQ(PartsOf(1, 1 << 20, 16), (Parts{{0, 1 << 20}}));
}

TEST(ParallelRanges, LeaveThreadsIdleRatherThanCutAGrain) {
  const Parts parts = PartsOf(4, 40'000, 20'000);
  EXPECT_EQ(parts, (Parts{{0, 20'000}, {20'000, 40'000}}));
}

}  // namespace
}  // namespace gradus::kernels
