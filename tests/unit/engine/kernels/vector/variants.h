// SPDX-License-Identifier: Apache-2.0
// Every variant of the vector kernels that this machine can run, as a test's parameter.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "engine/kernels/vector/functions.h"

namespace gradus::kernels {

inline std::vector<const VectorFunctions*> Variants() {
  std::vector<const VectorFunctions*> variants;
  for (const char* isa : {"sse42", "avx2", "avx512"}) {
    if (VectorOf(isa) != nullptr) variants.push_back(VectorOf(isa));
  }
  return variants;
}

class EachVariant : public testing::TestWithParam<const VectorFunctions*> {
 protected:
  const VectorFunctions& vector() const { return *GetParam(); }
};

#define GRADUS_FOR_EACH_VARIANT(suite)                                   \
  INSTANTIATE_TEST_SUITE_P(Vector, suite, testing::ValuesIn(Variants()), \
                           [](const auto& tested) { return std::string(tested.param->isa); })

inline std::vector<float> Numbers(size_t count, uint32_t seed, float low = -1, float high = 1) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float& value : values)
    value = low + (high - low) * static_cast<float>(random() >> 8U) * 0x1p-24F;
  return values;
}

}  // namespace gradus::kernels
