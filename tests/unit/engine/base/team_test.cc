// SPDX-License-Identifier: Apache-2.0
// A team runs every rank once a run, hands results back, and sleeps when idle.
#include "engine/base/team.h"

#include <gtest/gtest.h>

#include <ctime>
#include <numeric>
#include <vector>

#include "engine/base/clock.h"

namespace gradus::base {
namespace {

class TeamOf : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Sizes, TeamOf, testing::Values(1, 2, 3, 8));

TEST_P(TeamOf, RunsEveryRankOnceARun) {
  Team team(GetParam());
  // Not atomic: the team itself must order the ranks' writes before the caller's reads.
  std::vector<int> counts(static_cast<size_t>(GetParam()));
  for (int run = 1; run <= 500; ++run) {
    team.Run([&](int rank) { ++counts[static_cast<size_t>(rank)]; });
    for (const int count : counts) ASSERT_EQ(count, run);
  }
}

TEST_P(TeamOf, SyncShowsEverybodysWrites) {
  Team team(GetParam());
  const auto size = static_cast<size_t>(GetParam());
  std::vector<int> written(size);
  std::vector<int> sums(size);
  team.Run([&](int rank) {
    for (int round = 1; round <= 200; ++round) {
      written[static_cast<size_t>(rank)] = round;
      team.Sync();
      sums[static_cast<size_t>(rank)] += std::accumulate(written.begin(), written.end(), 0);
      team.Sync();
    }
  });
  for (const int sum : sums) EXPECT_EQ(sum, GetParam() * 200 * 201 / 2);
}

TEST_P(TeamOf, MayEndWithoutHavingRun) { const Team team(GetParam()); }

TEST(Team, WakesFromSleep) {
  Team team(Team::Options{.size = 4, .cpus = {}, .spin = std::chrono::nanoseconds(0)});
  int sum = 0;
  std::vector<int> parts(4);
  for (int run = 0; run < 200; ++run) {
    team.Run([&](int rank) { parts[static_cast<size_t>(rank)] = rank; });
    sum += std::accumulate(parts.begin(), parts.end(), 0);
  }
  EXPECT_EQ(sum, 1200);
}

TEST(Team, BurnsNoCoreWhenIdle) {
  Team team(2);
  team.Run([](int) {});
  const std::clock_t before = std::clock();
  Mutex mu;
  CondVar never;
  {
    const MutexLock lock(mu);
    never.WaitFor(mu, std::chrono::milliseconds(300), [] { return false; });
  }
  const double used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(used, 0.15);
}

TEST(Team, PinsItsThreads) {
  const std::vector<int> cpus = UsableCpus();
  Team team(Team::Options{.size = 3, .cpus = {cpus.back()}, .spin = std::chrono::nanoseconds(0)});
  std::vector<std::vector<int>> seen(3);
  team.Run([&](int rank) { seen[static_cast<size_t>(rank)] = UsableCpus(); });
  EXPECT_EQ(seen[0], cpus) << "the caller's thread is its own";
  EXPECT_EQ(seen[1], std::vector<int>{cpus.back()});
  EXPECT_EQ(seen[2], std::vector<int>{cpus.back()});
}

TEST(PartOf, PartsCoverEverythingOnceInOrder) {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{7}, size_t{64}, size_t{1000}}) {
    for (const int size : {1, 2, 3, 7}) {
      for (const size_t grain : {size_t{1}, size_t{16}}) {
        size_t next = 0;
        for (int rank = 0; rank < size; ++rank) {
          const Range part = PartOf(count, rank, size, grain);
          EXPECT_EQ(part.begin, next);
          EXPECT_TRUE(part.begin % grain == 0 || part.begin == count);
          next = part.end;
        }
        EXPECT_EQ(next, count);
      }
    }
  }
}

}  // namespace
}  // namespace gradus::base
