// SPDX-License-Identifier: Apache-2.0
// Which variant is taken.
#include "engine/kernels/vector/functions.h"

#include <gtest/gtest.h>

#include "tests/unit/engine/kernels/vector/variants.h"

namespace gradus::kernels {
namespace {

TEST(VectorFunctions, AreThoseOfThisMachine) {
  EXPECT_EQ(VectorOf(Vector().isa), &Vector());
  EXPECT_FALSE(Variants().empty());
  EXPECT_EQ(VectorOf("sse5"), nullptr);
}

TEST_P(EachVariant, IsWholeAndAsWideAsItsNameSays) {
  const std::string isa = vector().isa;
  EXPECT_EQ(vector().lanes, isa == "avx512" ? 16 : isa == "avx2" ? 8 : 4);
  // All members behind the first two are pointers.
  const auto* pointers = reinterpret_cast<void* const*>(&vector().inner_product_forward);
  const auto* end = reinterpret_cast<void* const*>(&vector() + 1);
  for (const auto* pointer = pointers; pointer < end; ++pointer)
    EXPECT_NE(*pointer, nullptr) << "function " << pointer - pointers;
}

GRADUS_FOR_EACH_VARIANT(EachVariant);

}  // namespace
}  // namespace gradus::kernels
