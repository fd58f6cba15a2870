// SPDX-License-Identifier: Apache-2.0
// Activations, the optimizer's passes, sums and conversions: loops that the compiler makes vectors
// of.
#include "engine/kernels/vector/math.h"
#include "engine/kernels/vector/variant.h"

namespace gradus::kernels::GRADUS_ISA {

// A NaN stays one: x < 0 does not hold for it.
void Relu(float* x, size_t count) {
  for (size_t i = 0; i < count; ++i) x[i] = x[i] < 0 ? 0 : x[i];
}

void Sigmoid(float* x, size_t count) {
  for (size_t i = 0; i < count; ++i) x[i] = SigmoidOf(x[i]);
}

void Tanh(float* x, size_t count) {
  for (size_t i = 0; i < count; ++i) x[i] = TanhOf(x[i]);
}

void ReluBackward(const float* __restrict y, float* __restrict diff, size_t count) {
  for (size_t i = 0; i < count; ++i) diff[i] = y[i] > 0 ? diff[i] : 0;
}

void SigmoidBackward(const float* __restrict y, float* __restrict diff, size_t count) {
  for (size_t i = 0; i < count; ++i) diff[i] = diff[i] * (y[i] * (1.0F - y[i]));
}

void TanhBackward(const float* __restrict y, float* __restrict diff, size_t count) {
  for (size_t i = 0; i < count; ++i) diff[i] = diff[i] * (1.0F - y[i] * y[i]);
}

void AddTo(float* __restrict dst, const float* __restrict src, size_t count) {
  for (size_t i = 0; i < count; ++i) dst[i] += src[i];
}

void Sum(float* __restrict dst, const float* __restrict a, const float* __restrict b,
         size_t count) {
  for (size_t i = 0; i < count; ++i) dst[i] = a[i] + b[i];
}

void Sgd(float* __restrict weights, const float* __restrict gradients, float rate, size_t count) {
  for (size_t i = 0; i < count; ++i) weights[i] -= rate * gradients[i];
}

void SgdMomentum(float* __restrict weights, const float* __restrict gradients,
                 float* __restrict velocity, float rate, float momentum, bool nesterov,
                 size_t count) {
  if (nesterov) {
    for (size_t i = 0; i < count; ++i) {
      velocity[i] = momentum * velocity[i] - rate * gradients[i];
      weights[i] += momentum * velocity[i] - rate * gradients[i];
    }
  } else {
    for (size_t i = 0; i < count; ++i) {
      velocity[i] = momentum * velocity[i] - rate * gradients[i];
      weights[i] += velocity[i];
    }
  }
}

void ConvertU8(const uint8_t* __restrict src, float* __restrict dst, float scale, float offset,
               size_t count) {
  for (size_t i = 0; i < count; ++i) dst[i] = static_cast<float>(src[i]) * scale + offset;
}

}  // namespace gradus::kernels::GRADUS_ISA
