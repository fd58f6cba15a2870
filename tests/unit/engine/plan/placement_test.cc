// SPDX-License-Identifier: Apache-2.0
// Blocks that live together never overlap, and those that do not share memory.
#include "engine/plan/placement.h"

#include <gtest/gtest.h>

#include <random>

namespace gradus::plan {
namespace {

TEST(Place, KeepsApartWhatLivesTogether) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<Block> blocks(1 + random() % 40);
    for (Block& block : blocks) {
      block.bytes = random() % 5000;
      block.first = static_cast<int>(random() % 30);
      block.last = block.first + static_cast<int>(random() % 10);
    }
    const Placement placement = Place(blocks);
    for (size_t a = 0; a < blocks.size(); ++a) {
      EXPECT_EQ(placement.offsets[a] % 64, 0u);
      EXPECT_LE(placement.offsets[a] + blocks[a].bytes, placement.total);
      for (size_t b = 0; b < a; ++b) {
        const bool together =
            blocks[a].first <= blocks[b].last && blocks[b].first <= blocks[a].last;
        const bool apart = placement.offsets[a] + blocks[a].bytes <= placement.offsets[b] ||
                           placement.offsets[b] + blocks[b].bytes <= placement.offsets[a];
        EXPECT_TRUE(!together || apart || blocks[a].bytes == 0 || blocks[b].bytes == 0) << round;
      }
    }
  }
}

TEST(Place, SharesMemoryBetweenWhatLivesAtDifferentTimes) {
  const std::vector<Block> chain = {{1024, 0, 1}, {1024, 1, 2}, {1024, 2, 3}, {1024, 3, 4}};
  EXPECT_EQ(Place(chain).total, 2048u);
}

}  // namespace
}  // namespace gradus::plan
