// SPDX-License-Identifier: Apache-2.0
// First fit by descending size.
#include "engine/plan/placement.h"

#include <algorithm>
#include <numeric>

namespace gradus::plan {
namespace {

constexpr size_t kAlignment = 64;

size_t AlignUp(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

bool Together(const Block& a, const Block& b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

Placement Place(std::span<const Block> blocks) {
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return blocks[a].bytes > blocks[b].bytes; });

  Placement placement;
  placement.offsets.resize(blocks.size());
  std::vector<size_t> placed;  // ascending by offset
  for (const size_t index : order) {
    const size_t bytes = AlignUp(blocks[index].bytes);
    size_t offset = 0;
    for (const size_t other : placed) {
      if (!Together(blocks[index], blocks[other])) continue;
      if (offset + bytes <= placement.offsets[other]) break;
      offset = std::max(offset, placement.offsets[other] + AlignUp(blocks[other].bytes));
    }
    placement.offsets[index] = offset;
    placement.total = std::max(placement.total, offset + bytes);
    const auto at = std::upper_bound(
        placed.begin(), placed.end(), offset,
        [&](size_t value, size_t other) { return value < placement.offsets[other]; });
    placed.insert(at, index);
  }
  return placement;
}

}  // namespace gradus::plan
