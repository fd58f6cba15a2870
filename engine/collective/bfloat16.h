// SPDX-License-Identifier: Apache-2.0
// Floats cut to their upper 16 bits (bfloat16) for the wire.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace gradus::collective {

// The nearest bfloat16, of two the even one; what is too large becomes infinite, and a NaN stays
// one.
inline uint16_t ToBfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  const uint32_t quiet = (bits >> 16) | 0x40U;
  return static_cast<uint16_t>((bits & 0x7FFFFFFFU) > 0x7F800000U ? quiet : rounded);
}

inline float FromBfloat16(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

inline void ToBfloat16(const float* src, uint16_t* dst, size_t count) {
  for (size_t i = 0; i < count; ++i) dst[i] = ToBfloat16(src[i]);
}

inline void FromBfloat16(const uint16_t* src, float* dst, size_t count) {
  for (size_t i = 0; i < count; ++i) dst[i] = FromBfloat16(src[i]);
}

}  // namespace gradus::collective
