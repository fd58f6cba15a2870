// SPDX-License-Identifier: Apache-2.0
// Random numbers for training: a counter-based generator, so that the state to save is a step
// number and any thread may make any part.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace gradus::base {

// What a stream of random numbers is for; with an index (of a layer, of a parameter) it makes
// streams that never overlap. The numbers are part of every checkpoint's meaning: append, never
// renumber.
enum class RandomPurpose : uint8_t {
  kTest = 0,
  kInitialize = 1,
  kShuffle = 2,
  kDropout = 3,
  kNoise = 4,
  kSample = 5,
  kLatent = 6,
  kAugment = 7
};

// Names one stream of 2^34 words. Equal keys give equal bits on every machine and thread count.
struct RandomKey {
  uint64_t seed = 0;
  RandomPurpose purpose = RandomPurpose::kTest;
  uint32_t index = 0;  // less than 2^24
  uint64_t step = 0;   // step or epoch
};

// Philox4x32-10: ten rounds of two 32-bit multiplications over a 128-bit counter and a 64-bit key.
//   Threads  immutable: any.
//   Source   Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011.
class Philox {
 public:
  using Words = std::array<uint32_t, 4>;

  explicit Philox(const RandomKey& key);

  // Words 4 * block to 4 * block + 3 of the stream.
  Words Block(uint32_t block) const {
    return Bijection({block, stream_, step_low_, step_high_}, key_);
  }
  // Word i of the stream, i < 2^34.
  uint32_t Word(uint64_t i) const { return Block(static_cast<uint32_t>(i / 4))[i % 4]; }

  // The bare function, as the paper's known answers have it.
  static Words Bijection(Words counter, std::array<uint32_t, 2> key);

 private:
  std::array<uint32_t, 2> key_;
  uint32_t stream_;
  uint32_t step_low_;
  uint32_t step_high_;
};

// The words of a stream one after the other.
//   Threads  one.
class PhiloxStream {
 public:
  explicit PhiloxStream(const RandomKey& key) : philox_(key) {}

  uint32_t Next();
  // Uniform in [0, bound), without bias. REQUIRES: bound > 0.
  uint32_t NextBelow(uint32_t bound);
  // Uniform in [0, 1): 53 bits.
  double NextDouble();

 private:
  Philox philox_;
  Philox::Words words_{};
  uint32_t block_ = 0;
  int used_ = 4;
};

// A word as a float in [0, 1): its upper 24 bits.
inline float ToUniform(uint32_t word) { return static_cast<float>(word >> 8U) * 0x1p-24F; }

// Words first, first + 1, ... of the key's stream.
void FillWords(const RandomKey& key, uint64_t first, std::span<uint32_t> dst);

// The fills write elements first, first + 1, ... of an endless array that the key names: whoever
// fills which part, the bits are the same. Uniform in [low, high). REQUIRES: low < high, both
// finite.
void FillUniform(const RandomKey& key, uint64_t first, float low, float high, std::span<float> dst);
// Normal of that mean and standard deviation.
void FillNormal(const RandomKey& key, uint64_t first, float mean, float stddev,
                std::span<float> dst);
// Normal, given that it lies within two standard deviations of the mean. (Its own standard
// deviation is 0.87962566 * stddev.)
void FillTruncatedNormal(const RandomKey& key, uint64_t first, float mean, float stddev,
                         std::span<float> dst);
// 0 or 1, 1 with the given probability.
void FillBernoulli(const RandomKey& key, uint64_t first, float probability, std::span<uint8_t> dst);

// Makes `rows` a permutation of 0 ... rows.size() - 1, each equally likely. REQUIRES: rows.size() <
// 2^32.
//   Source   Fisher-Yates; bounded numbers after Lemire 2019.
void FillPermutation(const RandomKey& key, std::span<uint32_t> rows);

}  // namespace gradus::base
