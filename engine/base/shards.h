// SPDX-License-Identifier: Apache-2.0
// How the rows of a batch are cut into logical shards: the same wherever it is asked.
#pragma once

#include <cstdint>

namespace gradus::base {

// Shards begin ... end - 1 of a batch.
struct ShardRange {
  int begin = 0;
  int end = 0;

  int size() const { return end - begin; }
  bool operator==(const ShardRange&) const = default;
};

// Rows of a batch that come before shard `index` of `shards`.
inline int64_t FirstRowOfShard(int64_t rows, int index, int shards) {
  return rows * index / shards;
}

}  // namespace gradus::base
