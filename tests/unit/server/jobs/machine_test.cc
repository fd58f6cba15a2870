// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/machine.h"

#include <gtest/gtest.h>

namespace gradus::jobs {
namespace {

TEST(MachineTest, ProcessorsGoToOneAtATime) {
  Machine machine({0, 2, 5}, 100);
  EXPECT_EQ(machine.Take(2, 10), (std::vector<int>{0, 2}));
  EXPECT_EQ(machine.Take(1, 10), (std::vector<int>{5}));
  EXPECT_FALSE(machine.Take(1, 10).has_value());
  machine.Give({2}, 10);
  EXPECT_EQ(machine.Take(1, 10), (std::vector<int>{2}));
}

TEST(MachineTest, MemoryIsBounded) {
  Machine machine({0, 1}, 100);
  EXPECT_FALSE(machine.Take(1, 101).has_value());
  EXPECT_TRUE(machine.Take(1, 60).has_value());
  EXPECT_FALSE(machine.Take(1, 41).has_value());
}

TEST(MachineTest, RanksFromBeforeKeepWhatTheyHave) {
  Machine machine({0}, 100);
  machine.TakeThese({0, 7}, 150);
  EXPECT_EQ(machine.free().cores, 0);
  EXPECT_EQ(machine.free().memory, -50);
  machine.Give({0, 7}, 150);
  EXPECT_EQ(machine.free().cores, 1);
  EXPECT_EQ(machine.free().memory, 100);
}

}  // namespace
}  // namespace gradus::jobs
