// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/places.h"

#include <gtest/gtest.h>

#include <vector>

namespace gradus::jobs {
namespace {

Demand Wants(int64_t number, int32_t cores, int32_t min_workers, int32_t max_workers) {
  return {"job", 0, number, cores, 10, min_workers, max_workers};
}

TEST(PlacesTest, RoomIsWhatCoresAndMemoryAllow) {
  const Demand demand = Wants(1, 2, 1, 8);
  EXPECT_EQ(Room(demand, 8, {7, 100}), 3);
  EXPECT_EQ(Room(demand, 8, {100, 29}), 2);
  EXPECT_EQ(Room(demand, 8, {100, 1000}), 8);
  EXPECT_EQ(Room(demand, 8, {0, -50}), 0);
  EXPECT_EQ(Room(demand, 8, {INT32_MAX, INT64_MAX}), 8);
}

TEST(PlacesTest, WhatJobsMissIsReserved) {
  const Demand big = Wants(1, 4, 3, 3);
  const Demand small = Wants(2, 1, 2, 4);
  const std::vector<Holding> running = {{.demand = &big, .workers = 1, .missing = 2},
                                        {.demand = &small, .workers = 2}};
  const Supply reserved = Reserved(running);
  EXPECT_EQ(reserved.cores, 8);
  EXPECT_EQ(reserved.memory, 20);
  EXPECT_EQ(Less({10, 25}, reserved).cores, 2);
  EXPECT_EQ(Less({10, 25}, reserved).memory, 5);
  EXPECT_EQ(Less({5, 15}, reserved).cores, 0);
  EXPECT_EQ(Less({5, 15}, reserved).memory, 0);
}

class PlacesToGiveTest : public testing::Test {
 protected:
  const Demand older_ = Wants(1, 1, 1, 4);
  const Demand younger_ = Wants(2, 1, 2, 4);
  std::vector<Holding> running_ = {{.demand = &older_, .workers = 4, .computes = true},
                                   {.demand = &younger_, .workers = 4, .computes = true}};
};

TEST_F(PlacesToGiveTest, TheYoungestGivesFirst) {
  EXPECT_EQ(PlacesToGive(Wants(3, 1, 1, 1), {}, running_), (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(PlacesToGive(Wants(3, 2, 1, 1), {}, running_), (std::vector<int32_t>{0, 2}));
  EXPECT_EQ(PlacesToGive(Wants(3, 3, 1, 1), {}, running_), (std::vector<int32_t>{1, 2}));
}

TEST_F(PlacesToGiveTest, WhatComesAnywayIsNotTakenFromAnybody) {
  EXPECT_EQ(PlacesToGive(Wants(3, 2, 1, 1), {2, 10}, running_), (std::vector<int32_t>{0, 0}));
  EXPECT_EQ(PlacesToGive(Wants(3, 2, 1, 1), {1, 10}, running_), (std::vector<int32_t>{0, 1}));
}

TEST_F(PlacesToGiveTest, NobodyGivesWhereItWouldNotDo) {
  EXPECT_EQ(PlacesToGive(Wants(3, 5, 1, 1), {}, running_), (std::vector<int32_t>{3, 2}));
  EXPECT_EQ(PlacesToGive(Wants(3, 6, 1, 1), {}, running_), (std::vector<int32_t>{0, 0}));
}

TEST_F(PlacesToGiveTest, WhoHasNotBegunGivesNothing) {
  running_[1].computes = false;
  EXPECT_EQ(PlacesToGive(Wants(3, 2, 1, 1), {}, running_), (std::vector<int32_t>{2, 0}));
}

}  // namespace
}  // namespace gradus::jobs
