// SPDX-License-Identifier: Apache-2.0
// Functions of straight pieces: loops that the compiler makes vectors of.
#include "engine/kernels/vector/simd.h"
#include "engine/kernels/vector/variant.h"

namespace gradus::kernels::GRADUS_ISA {

void RampForward(const float* __restrict x, float* __restrict y, const Ramp& ramp, size_t count) {
  const Ramp r = ramp;
  for (size_t i = 0; i < count; ++i) {
    // No slope is 0 however far down, where 0 times infinity would be no number.
    const float below = r.slope == 0 ? 0.0F : r.slope * (x[i] - r.threshold);
    const float line = x[i] < r.threshold ? below : x[i];
    y[i] = x[i] >= r.most ? r.most : line;
  }
}

void RampBackward(const float* __restrict x, const float* __restrict diff_dst,
                  float* __restrict diff_src, const Ramp& ramp, size_t count) {
  const Ramp r = ramp;
  for (size_t i = 0; i < count; ++i) {
    const float above = x[i] >= r.most ? 0.0F : 1.0F;
    diff_src[i] = diff_dst[i] * (x[i] > r.threshold ? above : r.slope);
  }
}

void SlopesForward(const float* __restrict x, const float* __restrict slopes, float* __restrict y,
                   size_t count) {
  for (size_t i = 0; i < count; ++i) y[i] = x[i] < 0 ? slopes[i] * x[i] : x[i];
}

void SlopesBackward(const float* __restrict x, const float* __restrict slopes,
                    const float* __restrict diff_dst, float* __restrict diff_src, size_t count) {
  for (size_t i = 0; i < count; ++i) diff_src[i] = diff_dst[i] * (x[i] > 0 ? 1.0F : slopes[i]);
}

// So written that a NaN comes through.
void SlopesGather(const float* __restrict x, const float* __restrict diff_dst,
                  float* __restrict sums, size_t count) {
  for (size_t i = 0; i < count; ++i) sums[i] += x[i] > 0 ? 0.0F : diff_dst[i] * x[i];
}

}  // namespace gradus::kernels::GRADUS_ISA
