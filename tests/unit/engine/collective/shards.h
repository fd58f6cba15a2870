// SPDX-License-Identifier: Apache-2.0
// Gradients of made-up shards, and their sum as a plan of one rank adds them up.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/collective/subtrees.h"

namespace gradus::collective {

// Of sizes so different that any other order of additions gives other bits.
inline float ShardValue(int shard, size_t at) {
  uint64_t bits =
      (at + 1) * 0x9E3779B97F4A7C15U + static_cast<uint64_t>(shard) * 0xBF58476D1CE4E5B9U;
  bits = (bits ^ (bits >> 30)) * 0x94D049BB133111EBU;
  bits ^= bits >> 31;
  const auto digits = static_cast<float>(static_cast<int32_t>(bits)) / 2147483648.0F;
  return std::ldexp(digits, static_cast<int>(bits >> 32) % 12);
}

inline float SumAt(Subtrees::Shards shards, size_t at) {
  if (shards.end - shards.begin == 1) return ShardValue(shards.begin, at);
  const int middle = (shards.begin + shards.end) / 2;
  const float left = SumAt({.begin = shards.begin, .end = middle}, at);
  return left + SumAt({.begin = middle, .end = shards.end}, at);
}

inline std::vector<float> SumOf(Subtrees::Shards shards, size_t length) {
  std::vector<float> sum(length);
  for (size_t i = 0; i < length; ++i) sum[i] = SumAt(shards, i);
  return sum;
}

// The sum without signs: what errors are measured by.
inline std::vector<float> SumOfSizes(Subtrees::Shards shards, size_t length) {
  std::vector<float> sum(length);
  for (size_t i = 0; i < length; ++i)
    for (int shard = shards.begin; shard < shards.end; ++shard)
      sum[i] += std::abs(ShardValue(shard, i));
  return sum;
}

inline bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (std::bit_cast<uint32_t>(a[i]) != std::bit_cast<uint32_t>(b[i])) return false;
  return true;
}

}  // namespace gradus::collective
