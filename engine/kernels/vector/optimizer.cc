// SPDX-License-Identifier: Apache-2.0
// The optimizers' passes: each element by itself, one pass over all that belongs to it.
#include "engine/kernels/vector/math.h"
#include "engine/kernels/vector/variant.h"

namespace gradus::kernels::GRADUS_ISA {

// Of a number that is not negative; NaN stays.
GRADUS_INLINE float Root(float x) { return __builtin_sqrtf(x); }

void Rmsprop(float* __restrict weights, const float* __restrict gradients, float* __restrict mean2,
             float* __restrict mean, float* __restrict velocity, const RmspropSettings& s,
             size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float g = gradients[i];
    mean2[i] = s.rho * mean2[i] + (1.0F - s.rho) * (g * g);
    float variance = mean2[i];
    if (mean != nullptr) {
      mean[i] = s.rho * mean[i] + (1.0F - s.rho) * g;
      variance -= mean[i] * mean[i];
      variance = variance < 0 ? 0 : variance;  // it is so by rounding alone
    }
    float change = s.rate * g / Root(variance + s.epsilon);
    if (velocity != nullptr) {
      velocity[i] = s.momentum * velocity[i] + change;
      change = velocity[i];
    }
    weights[i] -= change;
  }
}

void Adagrad(float* __restrict weights, const float* __restrict gradients, float* __restrict sum2,
             float rate, float epsilon, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float g = gradients[i];
    sum2[i] += g * g;
    weights[i] -= rate * g / Root(sum2[i] + epsilon);
  }
}

void Adadelta(float* __restrict weights, const float* __restrict gradients,
              float* __restrict gradient2, float* __restrict change2, float rate, float rho,
              float epsilon, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float g = gradients[i];
    gradient2[i] = rho * gradient2[i] + (1.0F - rho) * (g * g);
    const float change = Root(change2[i] + epsilon) / Root(gradient2[i] + epsilon) * g;
    change2[i] = rho * change2[i] + (1.0F - rho) * (change * change);
    weights[i] -= rate * change;
  }
}

void Adam(float* __restrict weights, const float* __restrict gradients, float* __restrict m,
          float* __restrict v, float* __restrict largest, const AdamSettings& s, size_t count) {
  if (largest == nullptr) {
    for (size_t i = 0; i < count; ++i) {
      const float g = gradients[i];
      m[i] += (g - m[i]) * (1.0F - s.beta_1);
      v[i] += (g * g - v[i]) * s.rest_2;
      weights[i] -= s.rate * m[i] / (Root(v[i]) + s.epsilon);
    }
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    const float g = gradients[i];
    m[i] += (g - m[i]) * (1.0F - s.beta_1);
    v[i] += (g * g - v[i]) * s.rest_2;
    largest[i] = v[i] > largest[i] ? v[i] : largest[i];
    weights[i] -= s.rate * m[i] / (Root(largest[i]) + s.epsilon);
  }
}

void Adamax(float* __restrict weights, const float* __restrict gradients, float* __restrict m,
            float* __restrict u, const AdamSettings& s, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float g = gradients[i];
    const float size = g < 0 ? -g : g;
    m[i] += (g - m[i]) * (1.0F - s.beta_1);
    const float faded = s.beta_2 * u[i];
    u[i] = faded > size ? faded : size;
    weights[i] -= s.rate * m[i] / (u[i] + s.epsilon);
  }
}

void Nadam(float* __restrict weights, const float* __restrict gradients, float* __restrict m,
           float* __restrict v, const AdamSettings& s, float rate_m, float rate_g, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float g = gradients[i];
    m[i] += (g - m[i]) * (1.0F - s.beta_1);
    v[i] += (g * g - v[i]) * s.rest_2;
    weights[i] -= (rate_m * m[i] + rate_g * g) / (Root(v[i] * s.correction) + s.epsilon);
  }
}

void Lion(float* __restrict weights, const float* __restrict gradients, float* __restrict m,
          float rate, float beta_1, float beta_2, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float g = gradients[i];
    const float mixed = beta_1 * m[i] + (1.0F - beta_1) * g;
    // NaN is neither and goes through.
    const float sign = mixed > 0 ? 1.0F : mixed < 0 ? -1.0F : mixed;
    weights[i] -= rate * sign;
    m[i] = beta_2 * m[i] + (1.0F - beta_2) * g;
  }
}

double SumOfSquares(const float* x, size_t count) {
  return SumOf<double>(static_cast<int64_t>(count), [x](int64_t i) {
    return static_cast<double>(x[i]) * static_cast<double>(x[i]);
  });
}

double Penalty(const float* x, float l1, float l2, size_t count) {
  const auto weight1 = static_cast<double>(l1);
  const auto weight2 = static_cast<double>(l2);
  return SumOf<double>(static_cast<int64_t>(count), [=](int64_t i) {
    const auto value = static_cast<double>(x[i]);
    return weight1 * (value < 0 ? -value : value) + weight2 * (value * value);
  });
}

void Penalize(const float* __restrict x, float* __restrict diff, float l1, float l2, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    // Zero and NaN are neither, and go through.
    const float sign = x[i] > 0 ? 1.0F : x[i] < 0 ? -1.0F : x[i];
    diff[i] += l1 * sign + 2.0F * l2 * x[i];
  }
}

void Average(float* __restrict mean, const float* __restrict x, float momentum, size_t count) {
  for (size_t i = 0; i < count; ++i) mean[i] = momentum * mean[i] + (1.0F - momentum) * x[i];
}

void Scale(float* x, float factor, size_t count) {
  for (size_t i = 0; i < count; ++i) x[i] *= factor;
}

void Clip(float* x, float most, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float below = x[i] > most ? most : x[i];
    x[i] = below < -most ? -most : below;
  }
}

}  // namespace gradus::kernels::GRADUS_ISA
