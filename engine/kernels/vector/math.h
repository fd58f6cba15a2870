// SPDX-License-Identifier: Apache-2.0
// Exponential, logarithm and hyperbolic tangent without branches, so that compilers make vectors of
// the loops around them.
//   Source   Cephes 2.8 (Moshier), expf.c, logf.c, tanhf.c: the polynomials.
#pragma once

#include "engine/kernels/vector/simd.h"

namespace gradus::kernels::GRADUS_ISA {

// Error at most 2 units in the last place; 0 below -87.3, infinity above 88.7, NaN for NaN.
GRADUS_INLINE float Exp(float x) {
  constexpr float kMagic = 12582912.0F;  // 1.5 * 2^23: adding it rounds to a whole number
  const float low = x < -87.33F ? -87.33F : x;
  const float bounded = low > 88.37F ? 88.37F : low;
  const float shifted = bounded * 1.44269504F + kMagic;
  const float n = shifted - kMagic;
  const float r = (bounded - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  const float mantissa = (p * (r * r) + r) + 1.0F;
  const int32_t exponent = __builtin_bit_cast(int32_t, shifted) << 23;
  const float power = __builtin_bit_cast(float, exponent + 0x3f800000);
  const float result = mantissa * power;
  const float vanishing = x < -87.33F ? 0.0F : result;
  const float growing = x > 88.37F ? __builtin_inff() : vanishing;
  return x != x ? x : growing;
}

// Of numbers from 1 to 2; error at most 2 units in the last place.
GRADUS_INLINE float LogOneToTwo(float x) {
  const bool upper = x > 1.41421356F;
  const float scaled = upper ? 0.5F * x : x;
  const float e = upper ? 1.0F : 0.0F;
  const float f = scaled - 1.0F;
  const float z = f * f;
  float p = 7.0376836292e-2F;
  p = p * f - 1.1514610310e-1F;
  p = p * f + 1.1676998740e-1F;
  p = p * f - 1.2420140846e-1F;
  p = p * f + 1.4249322787e-1F;
  p = p * f - 1.6668057665e-1F;
  p = p * f + 2.0000714765e-1F;
  p = p * f - 2.4999993993e-1F;
  p = p * f + 3.3333331174e-1F;
  const float tail = f * z * p + (-2.12194440e-4F * e - 0.5F * z);
  return (f + tail) + 0.693359375F * e;
}

GRADUS_INLINE float SigmoidOf(float x) { return 1.0F / (1.0F + Exp(-x)); }

GRADUS_INLINE float TanhOf(float x) {
  const float magnitude = x < 0 ? -x : x;
  const float large = 1.0F - 2.0F / (Exp(2.0F * magnitude) + 1.0F);
  const float z = x * x;
  float p = -5.70498872745e-3F;
  p = p * z + 2.06390887954e-2F;
  p = p * z - 5.37397155531e-2F;
  p = p * z + 1.33314422036e-1F;
  p = p * z - 3.33332819422e-1F;
  const float small = p * z * x + x;
  const float far = x < 0 ? -large : large;
  return magnitude < 0.625F ? small : far;
}

// Lanes of a sum whose order must not depend on the vectors' width.
inline constexpr int kSumLanes = 16;

// sum over i of f(i), in 16 interleaved sums that are then added as a tree.
template <typename T, typename Function>
GRADUS_INLINE T SumOf(int64_t count, Function f) {
  T sums[kSumLanes] = {};
  int64_t i = 0;
  for (; i + kSumLanes <= count; i += kSumLanes) {
    for (int j = 0; j < kSumLanes; ++j) sums[j] += f(i + j);
  }
  for (int j = 0; i + j < count; ++j) sums[j] += f(i + j);
  for (int width = kSumLanes / 2; width > 0; width /= 2) {
    for (int j = 0; j < width; ++j) sums[j] += sums[j + width];
  }
  return sums[0];
}

}  // namespace gradus::kernels::GRADUS_ISA
