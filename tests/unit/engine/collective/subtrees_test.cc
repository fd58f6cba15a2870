// SPDX-License-Identifier: Apache-2.0
// Every number of ranks cuts the tree over the shards into whole subtrees, and their additions
// complete the very same tree.
#include "engine/collective/subtrees.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace gradus::collective {
namespace {

// The tree written out, e.g. "((0+1)+(2+3))": two sums are the same where their texts are.
std::string Tree(int begin, int end) {
  if (end - begin == 1) return absl::StrCat(begin);
  const int middle = (begin + end) / 2;
  return absl::StrCat("(", Tree(begin, middle), "+", Tree(middle, end), ")");
}

class SubtreesOf : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Shards, SubtreesOf, testing::Values(1, 2, 4, 8, 16, 32, 64));

TEST_P(SubtreesOf, AdditionsCompleteTheTree) {
  const int shards = GetParam();
  for (int ranks = 1; ranks <= shards; ++ranks) {
    const auto trees = Subtrees::Create(shards, ranks);
    ASSERT_TRUE(trees.ok()) << trees.status();
    std::vector<std::string> sums;
    for (int rank = 0; rank < ranks; ++rank)
      sums.push_back(Tree(trees->of(rank).begin, trees->of(rank).end));
    for (const auto [left, right] : trees->additions()) {
      sums[static_cast<size_t>(left)] = absl::StrCat("(", sums[static_cast<size_t>(left)], "+",
                                                     sums[static_cast<size_t>(right)], ")");
    }
    EXPECT_EQ(sums[0], Tree(0, shards)) << ranks << " ranks";
    EXPECT_EQ(trees->additions().size(), static_cast<size_t>(ranks - 1));
  }
}

TEST_P(SubtreesOf, PartsAreAlignedAndCoverAll) {
  const int shards = GetParam();
  for (int ranks = 1; ranks <= shards; ++ranks) {
    const auto trees = Subtrees::Create(shards, ranks);
    ASSERT_TRUE(trees.ok()) << trees.status();
    int covered = 0;
    const int largest = trees->of(0).end;
    for (int rank = 0; rank < ranks; ++rank) {
      const auto [begin, end] = trees->of(rank);
      EXPECT_EQ(begin, covered);
      EXPECT_TRUE(std::has_single_bit(static_cast<unsigned>(end - begin)));
      EXPECT_EQ(begin % (end - begin), 0);
      EXPECT_LE(end - begin, largest);
      EXPECT_GE(2 * (end - begin), largest);
      covered = end;
    }
    EXPECT_EQ(covered, shards);
  }
}

TEST(Subtrees, HalvesTheLastOfTheLargest) {
  const auto trees = Subtrees::Create(4, 3);
  ASSERT_TRUE(trees.ok());
  EXPECT_EQ(trees->of(0), (Subtrees::Shards{.begin = 0, .end = 2}));
  EXPECT_EQ(trees->of(1), (Subtrees::Shards{.begin = 2, .end = 3}));
  EXPECT_EQ(trees->of(2), (Subtrees::Shards{.begin = 3, .end = 4}));
}

TEST(Subtrees, RefusesWhatIsNoTree) {
  for (const int shards : {-4, 0, 3, 6, 2 * Subtrees::kMostShards})
    EXPECT_TRUE(absl::IsInvalidArgument(Subtrees::Create(shards, 1).status())) << shards;
  for (const int ranks : {-1, 0, 5})
    EXPECT_TRUE(absl::IsInvalidArgument(Subtrees::Create(4, ranks).status())) << ranks;
}

}  // namespace
}  // namespace gradus::collective
