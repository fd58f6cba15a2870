// SPDX-License-Identifier: Apache-2.0
// The table of types. Each becomes the smallest type of a column that holds all of its values; for
// numbers of 64 bits without a sign there is none, so they are looked at one by one.
#include "engine/formats/npy_type.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::formats {
namespace {

template <typename From, typename To, typename Turn>
absl::Status ConvertEach(std::span<const std::byte> stored, std::byte* values, Turn turn) {
  for (size_t i = 0; i < stored.size() / sizeof(From); ++i) {
    From from;
    std::memcpy(&from, &stored[i * sizeof(From)], sizeof(From));
    To to;
    RETURN_IF_ERROR(turn(from, to));
    std::memcpy(values + i * sizeof(To), &to, sizeof(To));
  }
  return absl::OkStatus();
}

template <typename From, typename To>
absl::Status Widen(std::span<const std::byte> stored, std::byte* values) {
  return ConvertEach<From, To>(stored, values, [](From from, To& to) {
    to = from;
    return absl::OkStatus();
  });
}

absl::Status Bools(std::span<const std::byte> stored, std::byte* values) {
  return ConvertEach<uint8_t, uint8_t>(stored, values, [](uint8_t from, uint8_t& to) {
    if (from > 1) return absl::InvalidArgumentError(absl::StrCat("npy: a bool of ", from));
    to = from;
    return absl::OkStatus();
  });
}

absl::Status Signed(std::span<const std::byte> stored, std::byte* values) {
  return ConvertEach<uint64_t, int64_t>(stored, values, [](uint64_t from, int64_t& to) {
    if (from > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "npy: ", from, " is too large: a column's integers have 64 bits and a sign"));
    }
    to = static_cast<int64_t>(from);
    return absl::OkStatus();
  });
}

// IEEE 754 binary16; exact.
float OfHalf(uint16_t half) {
  const uint32_t sign = uint32_t{half} >> 15;
  const uint32_t exponent = half >> 10 & 0x1F;
  const uint32_t mantissa = half & 0x3FF;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign == 0 ? magnitude : -magnitude;
  }
  // The biases are 15 and 127; infinities and NaN have the largest exponent in both.
  const uint32_t wide = exponent == 0x1F ? 0xFF : exponent + 112;
  return std::bit_cast<float>(sign << 31 | wide << 23 | mantissa << 13);
}

absl::Status Halves(std::span<const std::byte> stored, std::byte* values) {
  return ConvertEach<uint16_t, float>(stored, values, [](uint16_t from, float& to) {
    to = OfHalf(from);
    return absl::OkStatus();
  });
}

constexpr std::array<NpyType, 12> kTypes = {{
    {"b1", "U8", 1, 1, Bools},
    {"i1", "I8", 1, 1, nullptr},
    {"i2", "I16", 2, 2, nullptr},
    {"i4", "I32", 4, 4, nullptr},
    {"i8", "I64", 8, 8, nullptr},
    {"u1", "U8", 1, 1, nullptr},
    {"u2", "I32", 2, 4, Widen<uint16_t, int32_t>},
    {"u4", "I64", 4, 8, Widen<uint32_t, int64_t>},
    {"u8", "I64", 8, 8, Signed},
    {"f2", "F32", 2, 4, Halves},
    {"f4", "F32", 4, 4, nullptr},
    {"f8", "F64", 8, 8, nullptr},
}};

}  // namespace

const NpyType* FindNpyType(std::string_view code) {
  const auto found = std::find_if(kTypes.begin(), kTypes.end(),
                                  [&](const NpyType& type) { return type.code == code; });
  return found == kTypes.end() ? nullptr : &*found;
}

}  // namespace gradus::formats
