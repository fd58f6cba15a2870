// SPDX-License-Identifier: Apache-2.0
// What the build's flags promise: the same bits on every machine that it may be installed on.
#include <gtest/gtest.h>

#include <cmath>

namespace {

TEST(CodeGeneration, AssumesNoNewerProcessorThanTheOldestSupported) {
#if defined(__AVX__) || defined(__FMA__)
  FAIL() << "compiled for a processor newer than GRADUS_MARCH allows";
#endif
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma")))
#endif
float MultiplyThenAdd(float a, float b, float c) {
  return a * b + c;
}

TEST(CodeGeneration, RoundsTheProductBeforeTheSum) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("fma")) GTEST_SKIP() << "no fused multiply-add here";
#endif
  volatile float a = 1.0f + 0x1p-12f;
  volatile float c = -(1.0f + 0x1p-11f);
  EXPECT_EQ(std::fma(a, a, c), 0x1p-24f);
  EXPECT_EQ(MultiplyThenAdd(a, a, c), 0.0f);
}

TEST(CodeGeneration, KeepsNotANumberAndInfinity) {
  volatile float zero = 0.0f;
  EXPECT_TRUE(std::isnan(zero / zero));
  EXPECT_TRUE(std::isinf(1.0f / zero));
}

}  // namespace
