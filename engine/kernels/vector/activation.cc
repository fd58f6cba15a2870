// SPDX-License-Identifier: Apache-2.0
// Activations whose gradient is computed from what they were given. `a` is the one setting that
// some have.
#include "engine/kernels/vector/math.h"
#include "engine/kernels/vector/variant.h"

namespace gradus::kernels::GRADUS_ISA {
namespace {

GRADUS_INLINE float SizeOf(float x) { return x < 0 ? -x : x; }

// log(1 + exp(x)), written so that no exponential grows.
GRADUS_INLINE float SoftplusOf(float x) {
  return (x > 0 ? x : x * 0) + LogOneToTwo(1.0F + Exp(-SizeOf(x)));
}

// exp(-x^2) and erf(x).
//   Source   Abramowitz and Stegun, 7.1.26: error at most 1.5e-7.
GRADUS_INLINE float ErfOf(float x, float bell) {
  const float size = SizeOf(x);
  const float t = 1.0F / (1.0F + 0.3275911F * size);
  float p = 1.061405429F;
  p = p * t - 1.453152027F;
  p = p * t + 1.421413741F;
  p = p * t - 0.284496736F;
  p = p * t + 0.254829592F;
  const float far = 1.0F - p * t * bell;
  return x < 0 ? -far : far;
}

struct LeakyReluFunction {
  GRADUS_INLINE float At(float x, float a) { return x < 0 ? a * x : x; }
  GRADUS_INLINE float Slope(float x, float a) { return x > 0 ? 1.0F : a; }
};
struct EluFunction {
  GRADUS_INLINE float At(float x, float a) { return x < 0 ? a * (Exp(x) - 1.0F) : x; }
  GRADUS_INLINE float Slope(float x, float a) { return x > 0 ? 1.0F : a * Exp(x); }
};
struct SeluFunction {
  static constexpr float kScale = 1.05070098F;
  static constexpr float kAlpha = 1.67326324F;
  GRADUS_INLINE float At(float x, float) { return kScale * EluFunction::At(x, kAlpha); }
  GRADUS_INLINE float Slope(float x, float) { return kScale * EluFunction::Slope(x, kAlpha); }
};
struct HardSigmoidFunction {
  GRADUS_INLINE float At(float x, float) {
    const float line = 0.2F * x + 0.5F;
    const float below = line > 1 ? 1.0F : line;
    return below < 0 ? 0.0F : below;
  }
  GRADUS_INLINE float Slope(float x, float) { return SizeOf(x) < 2.5F ? 0.2F : 0.0F; }
};
struct SoftplusFunction {
  GRADUS_INLINE float At(float x, float) { return SoftplusOf(x); }
  GRADUS_INLINE float Slope(float x, float) { return SigmoidOf(x); }
};
struct SoftsignFunction {
  GRADUS_INLINE float At(float x, float) { return x / (1.0F + SizeOf(x)); }
  GRADUS_INLINE float Slope(float x, float) {
    const float y = 1.0F / (1.0F + SizeOf(x));
    return y * y;
  }
};
struct ExponentialFunction {
  GRADUS_INLINE float At(float x, float) { return Exp(x); }
  GRADUS_INLINE float Slope(float x, float) { return Exp(x); }
};
struct SwishFunction {
  GRADUS_INLINE float At(float x, float a) { return x * SigmoidOf(a * x); }
  GRADUS_INLINE float Slope(float x, float a) {
    const float s = SigmoidOf(a * x);
    return s + a * x * (s * (1.0F - s));
  }
  // In the order in which nothing overflows.
  GRADUS_INLINE float BySetting(float x, float a) {
    const float s = SigmoidOf(a * x);
    return x * (x * (s * (1.0F - s)));
  }
};
struct MishFunction {
  GRADUS_INLINE float At(float x, float) { return x * TanhOf(SoftplusOf(x)); }
  GRADUS_INLINE float Slope(float x, float) {
    const float t = TanhOf(SoftplusOf(x));
    return t + x * SigmoidOf(x) * (1.0F - t * t);
  }
};
struct GeluFunction {
  GRADUS_INLINE float At(float x, float) {
    const float z = 0.707106781F * x;
    return 0.5F * x * (1.0F + ErfOf(z, Exp(-z * z)));
  }
  GRADUS_INLINE float Slope(float x, float) {
    const float z = 0.707106781F * x;
    const float bell = Exp(-z * z);
    return 0.5F * (1.0F + ErfOf(z, bell)) + x * (0.398942280F * bell);
  }
};
struct GeluTanhFunction {
  static constexpr float kRoot = 0.797884561F;  // sqrt(2 / pi)
  GRADUS_INLINE float At(float x, float) {
    return 0.5F * x * (1.0F + TanhOf(kRoot * (x + 0.044715F * x * x * x)));
  }
  GRADUS_INLINE float Slope(float x, float) {
    const float t = TanhOf(kRoot * (x + 0.044715F * x * x * x));
    return 0.5F * (1.0F + t) +
           0.5F * x * (1.0F - t * t) * (kRoot * (1.0F + 3.0F * 0.044715F * x * x));
  }
};

template <typename F>
void Forward(const float* __restrict x, float* __restrict y, float a, size_t count) {
  for (size_t i = 0; i < count; ++i) y[i] = F::At(x[i], a);
}

template <typename F>
void Backward(const float* __restrict x, const float* __restrict diff_dst,
              float* __restrict diff_src, float a, size_t count) {
  for (size_t i = 0; i < count; ++i) diff_src[i] = diff_dst[i] * F::Slope(x[i], a);
}

template <typename F>
double BySetting(const float* x, const float* diff_dst, float a, size_t count) {
  return SumOf<double>(static_cast<int64_t>(count), [=](int64_t i) {
    return static_cast<double>(diff_dst[i]) * static_cast<double>(F::BySetting(x[i], a));
  });
}

template <typename F>
constexpr ActivationFunctions Both() {
  return {Forward<F>, Backward<F>, nullptr};
}

template <typename F>
constexpr ActivationFunctions All() {
  return {Forward<F>, Backward<F>, BySetting<F>};
}

}  // namespace

constinit const ActivationTable kActivations = {
    .leaky_relu = Both<LeakyReluFunction>(),
    .elu = Both<EluFunction>(),
    .selu = Both<SeluFunction>(),
    .hard_sigmoid = Both<HardSigmoidFunction>(),
    .softplus = Both<SoftplusFunction>(),
    .softsign = Both<SoftsignFunction>(),
    .exponential = Both<ExponentialFunction>(),
    .swish = All<SwishFunction>(),
    .mish = Both<MishFunction>(),
    .gelu = Both<GeluFunction>(),
    .gelu_tanh = Both<GeluTanhFunction>(),
};

}  // namespace gradus::kernels::GRADUS_ISA
