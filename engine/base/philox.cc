// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10 and what is drawn from it.
#include "engine/base/philox.h"

#include <cmath>
#include <numeric>
#include <utility>

#include "engine/base/normal_quantile.h"

namespace gradus::base {
namespace {

struct Product {
  uint32_t high;
  uint32_t low;
};

Product Multiply(uint32_t a, uint32_t b) {
  const uint64_t product = uint64_t{a} * b;
  return {static_cast<uint32_t>(product >> 32U), static_cast<uint32_t>(product)};
}

// Calls write(i, word) for i = 0 ... count - 1 with word first + i of the stream; makes each block
// once.
template <typename Write>
void ForEachWord(const RandomKey& key, uint64_t first, size_t count, Write write) {
  const Philox philox(key);
  size_t i = 0;
  while (i < count) {
    const uint64_t position = first + i;
    const Philox::Words words = philox.Block(static_cast<uint32_t>(position / 4));
    for (size_t lane = position % 4; lane < 4 && i < count; ++lane, ++i) write(i, words[lane]);
  }
}

// Strictly between 0 and 1.
double ToOpenUniform(uint32_t word) { return (static_cast<double>(word) + 0.5) * 0x1p-32; }

}  // namespace

Philox::Philox(const RandomKey& key)
    : key_{static_cast<uint32_t>(key.seed), static_cast<uint32_t>(key.seed >> 32U)},
      stream_((static_cast<uint32_t>(key.purpose) << 24U) | (key.index & 0xFFFFFFU)),
      step_low_(static_cast<uint32_t>(key.step)),
      step_high_(static_cast<uint32_t>(key.step >> 32U)) {}

Philox::Words Philox::Bijection(Words counter, std::array<uint32_t, 2> key) {
  // Unrolled, so that several blocks are in flight: it takes less than half the time.
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    const Product first = Multiply(0xD2511F53U, counter[0]);
    const Product second = Multiply(0xCD9E8D57U, counter[2]);
    counter = {second.high ^ counter[1] ^ key[0], second.low, first.high ^ counter[3] ^ key[1],
               first.low};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

uint32_t PhiloxStream::Next() {
  if (used_ == 4) {
    words_ = philox_.Block(block_++);
    used_ = 0;
  }
  return words_[static_cast<size_t>(used_++)];
}

uint32_t PhiloxStream::NextBelow(uint32_t bound) {
  uint64_t product = uint64_t{Next()} * bound;
  if (static_cast<uint32_t>(product) < bound) {
    const uint32_t threshold = (0U - bound) % bound;
    while (static_cast<uint32_t>(product) < threshold) product = uint64_t{Next()} * bound;
  }
  return static_cast<uint32_t>(product >> 32U);
}

double PhiloxStream::NextDouble() {
  const uint64_t high = Next();
  const uint64_t low = Next();
  return static_cast<double>(((high << 32U) | low) >> 11U) * 0x1p-53;
}

void FillWords(const RandomKey& key, uint64_t first, std::span<uint32_t> dst) {
  ForEachWord(key, first, dst.size(), [&](size_t i, uint32_t word) { dst[i] = word; });
}

void FillUniform(const RandomKey& key, uint64_t first, float low, float high,
                 std::span<float> dst) {
  // In double, so that high - low cannot overflow; what rounds up to `high` is put back below it.
  const double range = static_cast<double>(high) - low;
  const float last = std::nextafter(high, low);
  ForEachWord(key, first, dst.size(), [&](size_t i, uint32_t word) {
    const float value = static_cast<float>(low + range * ToUniform(word));
    dst[i] = value < high ? value : last;
  });
}

void FillNormal(const RandomKey& key, uint64_t first, float mean, float stddev,
                std::span<float> dst) {
  ForEachWord(key, first, dst.size(), [&](size_t i, uint32_t word) {
    dst[i] = static_cast<float>(mean + stddev * NormalQuantile(ToOpenUniform(word)));
  });
}

void FillTruncatedNormal(const RandomKey& key, uint64_t first, float mean, float stddev,
                         std::span<float> dst) {
  // The normal distribution function at -2, and what lies between -2 and 2: a draw from there needs
  // no rejection, so elements keep their places.
  constexpr double kBelow = 0.022750131948179207;
  constexpr double kWithin = 1 - 2 * kBelow;
  ForEachWord(key, first, dst.size(), [&](size_t i, uint32_t word) {
    dst[i] =
        static_cast<float>(mean + stddev * NormalQuantile(kBelow + kWithin * ToOpenUniform(word)));
  });
}

void FillBernoulli(const RandomKey& key, uint64_t first, float probability,
                   std::span<uint8_t> dst) {
  ForEachWord(key, first, dst.size(),
              [&](size_t i, uint32_t word) { dst[i] = ToUniform(word) < probability ? 1 : 0; });
}

void FillPermutation(const RandomKey& key, std::span<uint32_t> rows) {
  std::iota(rows.begin(), rows.end(), uint32_t{0});
  PhiloxStream stream(key);
  for (size_t i = rows.size(); i > 1; --i) {
    std::swap(rows[i - 1], rows[stream.NextBelow(static_cast<uint32_t>(i))]);
  }
}

}  // namespace gradus::base
