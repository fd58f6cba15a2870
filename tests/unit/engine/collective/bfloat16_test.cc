// SPDX-License-Identifier: Apache-2.0
// Every bfloat16 comes back as it was, and every float becomes the nearest one.
#include "engine/collective/bfloat16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gradus::collective {
namespace {

TEST(Bfloat16, EachComesBack) {
  for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const auto value = static_cast<uint16_t>(bits);
    const float wide = FromBfloat16(value);
    if (std::isnan(wide)) {
      EXPECT_TRUE(std::isnan(FromBfloat16(ToBfloat16(wide))));
    } else {
      EXPECT_EQ(ToBfloat16(wide), value);
    }
  }
}

TEST(Bfloat16, RoundsToTheNearestAndThenToTheEven) {
  for (uint32_t bits = 0; bits < 0x7F7F; ++bits) {
    const auto low = static_cast<uint16_t>(bits);
    const auto high = static_cast<uint16_t>(bits + 1);
    const auto middle = std::bit_cast<float>((bits << 16) + 0x8000U);
    const auto below = std::bit_cast<float>((bits << 16) + 0x7FFFU);
    const auto above = std::bit_cast<float>((bits << 16) + 0x8001U);
    ASSERT_EQ(ToBfloat16(middle), bits % 2 == 0 ? low : high);
    ASSERT_EQ(ToBfloat16(below), low);
    ASSERT_EQ(ToBfloat16(above), high);
    ASSERT_EQ(ToBfloat16(-above), high | 0x8000);
  }
}

TEST(Bfloat16, KeepsWhatIsNoNumber) {
  EXPECT_TRUE(std::isnan(FromBfloat16(ToBfloat16(std::bit_cast<float>(0x7F800001U)))));
  EXPECT_TRUE(std::isnan(FromBfloat16(ToBfloat16(std::bit_cast<float>(0xFFFFFFFFU)))));
  EXPECT_TRUE(std::isinf(FromBfloat16(ToBfloat16(std::numeric_limits<float>::infinity()))));
  EXPECT_TRUE(std::isinf(FromBfloat16(ToBfloat16(std::numeric_limits<float>::max()))));
}

}  // namespace
}  // namespace gradus::collective
