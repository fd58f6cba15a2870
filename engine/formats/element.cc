// SPDX-License-Identifier: Apache-2.0
// Sizes of elements and arrays, without overflow.
#include "engine/formats/element.h"

#include <array>
#include <limits>
#include <utility>

namespace gradus::formats {
namespace {

constexpr std::array<std::pair<std::string_view, size_t>, 13> kElements = {{
    {"BOOL", 1},
    {"U8", 1},
    {"I8", 1},
    {"U16", 2},
    {"I16", 2},
    {"F16", 2},
    {"BF16", 2},
    {"U32", 4},
    {"I32", 4},
    {"F32", 4},
    {"U64", 8},
    {"I64", 8},
    {"F64", 8},
}};

}  // namespace

size_t ElementSize(std::string_view dtype) {
  for (const auto& [name, size] : kElements) {
    if (name == dtype) return size;
  }
  return 0;
}

bool IsColumnType(std::string_view dtype) {
  for (const std::string_view name : {"U8", "I8", "I16", "I32", "I64", "F32", "F64"}) {
    if (name == dtype) return true;
  }
  return false;
}

std::optional<uint64_t> ArrayBytes(std::span<const int64_t> shape, size_t element_size) {
  // A zero anywhere makes the product 0 however large the others are.
  bool empty = false;
  uint64_t bytes = element_size;
  for (const int64_t dimension : shape) {
    if (dimension < 0) return std::nullopt;
    if (dimension == 0) empty = true;
    const uint64_t factor = dimension == 0 ? 1 : static_cast<uint64_t>(dimension);
    if (__builtin_mul_overflow(bytes, factor, &bytes)) return std::nullopt;
    if (bytes > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  }
  return empty ? 0 : bytes;
}

}  // namespace gradus::formats
