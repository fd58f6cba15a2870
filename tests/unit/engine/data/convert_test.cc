// SPDX-License-Identifier: Apache-2.0
#include "engine/data/convert.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace gradus::data {
namespace {

TEST(Convert, BytesAreARoundedProductAndARoundedSumAtEveryLengthAndAlignment) {
  std::vector<uint8_t> stored(300);
  for (size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<uint8_t>(i * 37);
  const float scale = 0.00392156862745098f;
  const float offset = -0.3f;
  for (int64_t count : {0, 1, 7, 8, 31, 32, 33, 64, 100, 255}) {
    for (int64_t shift : {0, 1, 5, 31}) {
      std::vector<float> converted(static_cast<size_t>(count) + 1, -1.0f);
      ConvertToF32(base::DType::kU8, reinterpret_cast<const std::byte*>(stored.data() + shift),
                   count, scale, offset, converted.data());
      for (int64_t i = 0; i < count; ++i) {
        volatile float product = static_cast<float>(stored[static_cast<size_t>(i + shift)]) * scale;
        volatile float sum = product + offset;
        ASSERT_EQ(converted[static_cast<size_t>(i)], sum)
            << count << " values from " << shift << ", at " << i;
      }
      ASSERT_EQ(converted.back(), -1.0f) << "wrote behind the end";
    }
  }
}

template <typename T>
void ExpectConverts(base::DType dtype, const std::vector<T>& values) {
  std::vector<float> converted(values.size());
  ConvertToF32(dtype, reinterpret_cast<const std::byte*>(values.data()),
               static_cast<int64_t>(values.size()), 2.0f, 1.0f, converted.data());
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(converted[i], static_cast<float>(values[i]) * 2.0f + 1.0f);
}

TEST(Convert, TakesEveryStoredType) {
  ExpectConverts<int8_t>(base::DType::kI8, {-128, 0, 127});
  ExpectConverts<int16_t>(base::DType::kI16, {-32768, 5});
  ExpectConverts<int32_t>(base::DType::kI32, {-70000, 16777217});
  ExpectConverts<int64_t>(base::DType::kI64, {-5, int64_t{1} << 40});
  ExpectConverts<float>(base::DType::kF32, {0.1f, -3.5f});
  ExpectConverts<double>(base::DType::kF64, {0.1, 1e-3});
}

}  // namespace
}  // namespace gradus::data
