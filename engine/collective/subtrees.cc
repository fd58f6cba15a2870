// SPDX-License-Identifier: Apache-2.0
#include "engine/collective/subtrees.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::collective {
namespace {

int SizeOf(const Subtrees::Shards& part) { return part.end - part.begin; }

// Appends the additions that complete the subtree [begin, end), whose parts start at parts[first];
// returns how many parts it has.
int Complete(const std::vector<Subtrees::Shards>& parts, int begin, int end, int first,
             std::vector<Subtrees::Addition>& additions) {
  if (SizeOf(parts[static_cast<size_t>(first)]) == end - begin) return 1;
  const int middle = begin + (end - begin) / 2;
  const int left = Complete(parts, begin, middle, first, additions);
  const int right = Complete(parts, middle, end, first + left, additions);
  additions.push_back({.left = first, .right = first + left});
  return left + right;
}

}  // namespace

absl::StatusOr<Subtrees> Subtrees::Create(int shards, int ranks) {
  if (shards < 1 || shards > kMostShards || !std::has_single_bit(static_cast<unsigned>(shards))) {
    return base::InvalidArgument("", absl::StrCat(shards, " shards"),
                                 absl::StrCat("a power of two up to ", kMostShards));
  }
  if (ranks < 1 || ranks > shards) {
    return base::InvalidArgument("", absl::StrCat(ranks, " ranks"),
                                 absl::StrCat("from 1 to the number of shards, ", shards));
  }
  Subtrees trees;
  trees.shards_ = shards;
  trees.parts_ = {{.begin = 0, .end = shards}};
  while (trees.ranks() < ranks) {
    // Sizes do not grow along the list: the last of the largest is where they become smaller.
    const int largest = SizeOf(trees.parts_.front());
    const auto behind =
        std::partition_point(trees.parts_.begin(), trees.parts_.end(),
                             [largest](const Shards& part) { return SizeOf(part) == largest; });
    const auto halved = behind - 1;
    const int end = halved->end;
    halved->end = halved->begin + largest / 2;
    trees.parts_.insert(behind, Shards{.begin = halved->end, .end = end});
  }
  Complete(trees.parts_, 0, shards, 0, trees.additions_);
  return trees;
}

}  // namespace gradus::collective
