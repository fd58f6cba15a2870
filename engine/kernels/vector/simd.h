// SPDX-License-Identifier: Apache-2.0
// The few vector instructions that the kernels are written in, for the instruction set that this
// source is compiled for. Included by sources of the variants alone: GRADUS_ISA names their
// namespace, so that no code of one set is taken for that of another.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#define GRADUS_INLINE static inline __attribute__((always_inline))

namespace gradus::kernels::GRADUS_ISA {

#if defined(__AVX512F__)
using F = __m512;
inline constexpr int kLanes = 16;
// Rows of a tile three vectors wide: as many sums as registers hold beside the operands.
inline constexpr int kTileRows = 8;
GRADUS_INLINE F Load(const float* p) { return _mm512_loadu_ps(p); }
GRADUS_INLINE void Store(float* p, F x) { _mm512_storeu_ps(p, x); }
GRADUS_INLINE F Zero() { return _mm512_setzero_ps(); }
GRADUS_INLINE F Set(float x) { return _mm512_set1_ps(x); }
GRADUS_INLINE F MulAdd(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
GRADUS_INLINE F Add(F a, F b) { return _mm512_add_ps(a, b); }
GRADUS_INLINE F And(F a, F b) {
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a), _mm512_castps_si512(b)));
}
#elif defined(__AVX2__) && defined(__FMA__)
using F = __m256;
inline constexpr int kLanes = 8;
inline constexpr int kTileRows = 4;
GRADUS_INLINE F Load(const float* p) { return _mm256_loadu_ps(p); }
GRADUS_INLINE void Store(float* p, F x) { _mm256_storeu_ps(p, x); }
GRADUS_INLINE F Zero() { return _mm256_setzero_ps(); }
GRADUS_INLINE F Set(float x) { return _mm256_set1_ps(x); }
GRADUS_INLINE F MulAdd(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
GRADUS_INLINE F Add(F a, F b) { return _mm256_add_ps(a, b); }
GRADUS_INLINE F And(F a, F b) { return _mm256_and_ps(a, b); }
#else
using F = __m128;
inline constexpr int kLanes = 4;
inline constexpr int kTileRows = 4;
GRADUS_INLINE F Load(const float* p) { return _mm_loadu_ps(p); }
GRADUS_INLINE void Store(float* p, F x) { _mm_storeu_ps(p, x); }
GRADUS_INLINE F Zero() { return _mm_setzero_ps(); }
GRADUS_INLINE F Set(float x) { return _mm_set1_ps(x); }
GRADUS_INLINE F MulAdd(F a, F b, F c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
GRADUS_INLINE F Add(F a, F b) { return _mm_add_ps(a, b); }
GRADUS_INLINE F And(F a, F b) { return _mm_and_ps(a, b); }
#endif

// All bits of the first `count` lanes.
GRADUS_INLINE F MaskOf(int64_t count) {
  uint32_t bits[kLanes];
  for (int i = 0; i < kLanes; ++i) bits[i] = i < count ? ~uint32_t{0} : 0;
  float lanes[kLanes];
  __builtin_memcpy(lanes, bits, sizeof(lanes));
  return Load(lanes);
}

}  // namespace gradus::kernels::GRADUS_ISA
