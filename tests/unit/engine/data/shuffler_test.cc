// SPDX-License-Identifier: Apache-2.0
#include "engine/data/shuffler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace gradus::data {
namespace {

std::vector<uint32_t> Copy(std::span<const uint32_t> order) { return {order.begin(), order.end()}; }

TEST(Shuffler, EachEpochTakesEachRowOnceInAnOrderOfItsOwn) {
  Shuffler shuffler(1000, true, 42);
  const std::vector<uint32_t> first = Copy(shuffler.Order(0));
  const std::vector<uint32_t> second = Copy(shuffler.Order(1));
  EXPECT_NE(first, second);
  for (std::vector<uint32_t> order : {first, second}) {
    std::sort(order.begin(), order.end());
    std::vector<uint32_t> all(1000);
    std::iota(all.begin(), all.end(), 0U);
    EXPECT_EQ(order, all);
  }
}

TEST(Shuffler, AnEpochsOrderDoesNotDependOnTheEpochsBeforeIt) {
  Shuffler through(777, true, 7);
  for (int64_t epoch = 0; epoch < 5; ++epoch) through.Order(epoch);
  Shuffler resumed(777, true, 7);
  EXPECT_EQ(Copy(through.Order(5)), Copy(resumed.Order(5)));
}

TEST(Shuffler, SeedsDiffer) {
  Shuffler a(100, true, 1);
  Shuffler b(100, true, 2);
  EXPECT_NE(Copy(a.Order(0)), Copy(b.Order(0)));
}

TEST(Shuffler, WithoutShufflingKeepsTheStoredOrder) {
  Shuffler shuffler(10, false, 3);
  const std::vector<uint32_t> order = Copy(shuffler.Order(4));
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

}  // namespace
}  // namespace gradus::data
