// SPDX-License-Identifier: Apache-2.0
// One loop a stored type; bytes, the usual case, have a vector form.
#include "engine/data/convert.h"

#include <immintrin.h>

#include <cstring>

namespace gradus::data {
namespace {

// memcpy, since a column in a file is aligned to nothing.
template <typename T>
void Convert(const std::byte* src, int64_t count, float scale, float offset, float* dst) {
  for (int64_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, src + i * sizeof(T), sizeof(T));
    dst[i] = static_cast<float>(value) * scale + offset;
  }
}

// 32 values a round: four independent chains hide the latency of convert, multiply and add. No
// fused multiply-add: it would round once and differ from the plain loop.
__attribute__((target("avx2"))) void ConvertBytesAvx2(const std::byte* src, int64_t count,
                                                      float scale, float offset, float* dst) {
  const __m256 scales = _mm256_set1_ps(scale);
  const __m256 offsets = _mm256_set1_ps(offset);
  int64_t i = 0;
  for (; i + 32 <= count; i += 32) {
    for (int part = 0; part < 32; part += 8) {
      const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(src + i + part));
      const __m256 values = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
      _mm256_storeu_ps(dst + i + part, _mm256_add_ps(_mm256_mul_ps(values, scales), offsets));
    }
  }
  Convert<uint8_t>(src + i, count - i, scale, offset, dst + i);
}

void ConvertBytes(const std::byte* src, int64_t count, float scale, float offset, float* dst) {
  static const bool has_avx2 = __builtin_cpu_supports("avx2");
  if (has_avx2) {
    ConvertBytesAvx2(src, count, scale, offset, dst);
  } else {
    Convert<uint8_t>(src, count, scale, offset, dst);
  }
}

}  // namespace

void ConvertToF32(base::DType dtype, const std::byte* src, int64_t count, float scale, float offset,
                  float* dst) {
  switch (dtype) {
    case base::DType::kU8:
      return ConvertBytes(src, count, scale, offset, dst);
    case base::DType::kI8:
      return Convert<int8_t>(src, count, scale, offset, dst);
    case base::DType::kI16:
      return Convert<int16_t>(src, count, scale, offset, dst);
    case base::DType::kI32:
      return Convert<int32_t>(src, count, scale, offset, dst);
    case base::DType::kI64:
      return Convert<int64_t>(src, count, scale, offset, dst);
    case base::DType::kF32:
      return Convert<float>(src, count, scale, offset, dst);
    case base::DType::kF64:
      return Convert<double>(src, count, scale, offset, dst);
    default:
      return;  // MappedColumn::Open lets no other type in
  }
}

}  // namespace gradus::data
