// SPDX-License-Identifier: Apache-2.0
// Passes over two tensors of one shape: loops that the compiler makes vectors of.
#include "engine/kernels/vector/simd.h"
#include "engine/kernels/vector/variant.h"

namespace gradus::kernels::GRADUS_ISA {

void Subtract(float* __restrict dst, const float* __restrict src, size_t count) {
  for (size_t i = 0; i < count; ++i) dst[i] -= src[i];
}

void Multiply(float* __restrict dst, const float* __restrict src, size_t count) {
  for (size_t i = 0; i < count; ++i) dst[i] *= src[i];
}

// A NaN in dst stays: nothing is larger. One in src is taken.
void Raise(float* __restrict dst, const float* __restrict src, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float x = src[i];
    dst[i] = ((x > dst[i]) | (x != x)) ? x : dst[i];
  }
}

void Lower(float* __restrict dst, const float* __restrict src, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float x = src[i];
    dst[i] = ((x < dst[i]) | (x != x)) ? x : dst[i];
  }
}

void Claim(const float* __restrict y, const float* __restrict src, float* __restrict diff,
           float* __restrict diff_src, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float d = diff[i];
    const bool mine = (src[i] == y[i]) | (src[i] != src[i]);
    diff_src[i] = mine ? d : 0.0F;
    diff[i] = mine ? 0.0F : d;
  }
}

void Rescale(float* x, float scale, float offset, size_t count) {
  for (size_t i = 0; i < count; ++i) x[i] = x[i] * scale + offset;
}

}  // namespace gradus::kernels::GRADUS_ISA
