// SPDX-License-Identifier: Apache-2.0
// From random words to what noise is made of: loops that the compiler makes vectors of.
#include "engine/kernels/vector/math.h"
#include "engine/kernels/vector/variant.h"

namespace gradus::kernels::GRADUS_ISA {

namespace {

// Of numbers from 2^-126 to 1.
GRADUS_INLINE float LogBelowOne(float x) {
  const int32_t bits = __builtin_bit_cast(int32_t, x);
  const float mantissa = __builtin_bit_cast(float, (bits & 0x7fffff) | 0x3f800000);
  const float exponent = static_cast<float>((bits >> 23) - 127);
  return LogOneToTwo(mantissa) + exponent * 0.693147181F;
}

// The inverse of the error function on (-1, 1), by one polynomial in the middle and one outside.
//   Source   Giles 2012, Approximating the erfinv function, single precision.
GRADUS_INLINE float InverseErf(float x) {
  const float w = -LogBelowOne((1.0F - x) * (1.0F + x));
  const float u = w - 2.5F;
  float middle = 2.81022636e-08F;
  middle = middle * u + 3.43273939e-07F;
  middle = middle * u - 3.5233877e-06F;
  middle = middle * u - 4.39150654e-06F;
  middle = middle * u + 0.00021858087F;
  middle = middle * u - 0.00125372503F;
  middle = middle * u - 0.00417768164F;
  middle = middle * u + 0.246640727F;
  middle = middle * u + 1.50140941F;
  const float v = __builtin_sqrtf(w < 0.0F ? 0.0F : w) - 3.0F;
  float outside = -0.000200214257F;
  outside = outside * v + 0.000100950558F;
  outside = outside * v + 0.00134934322F;
  outside = outside * v - 0.00367342844F;
  outside = outside * v + 0.00573950773F;
  outside = outside * v - 0.0076224613F;
  outside = outside * v + 0.00943887047F;
  outside = outside * v + 1.00167406F;
  outside = outside * v + 2.83297682F;
  return (w < 5.0F ? middle : outside) * x;
}

}  // namespace

void Choose(const uint32_t* __restrict words, uint32_t last, float low, float high,
            float* __restrict dst, size_t count) {
  for (size_t i = 0; i < count; ++i) dst[i] = words[i] <= last ? low : high;
}

void Uniform(const uint32_t* __restrict words, float low, float high, float* __restrict dst,
             size_t count) {
  const float width = high - low;
  for (size_t i = 0; i < count; ++i) {
    const float part = static_cast<float>(static_cast<int32_t>(words[i] >> 8U)) * 0x1p-24F;
    dst[i] = low + width * part;
  }
}

void Normal(const uint32_t* __restrict words, float* __restrict dst, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    // The middle of one of 2^24 equal parts of (-1, 1): never at an end.
    const auto part = static_cast<int32_t>(words[i] >> 8U);
    const float x = static_cast<float>(2 * part + 1 - (1 << 24)) * 0x1p-24F;
    dst[i] = 1.41421356F * InverseErf(x);
  }
}

}  // namespace gradus::kernels::GRADUS_ISA
