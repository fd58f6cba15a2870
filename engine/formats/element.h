// SPDX-License-Identifier: Apache-2.0
// The element types of stored arrays, by the names that safetensors and gradus.v1.Column give them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace gradus::formats {

// Bytes of one element of "F32", "U8", ...; 0 for a name that is none.
size_t ElementSize(std::string_view dtype);

// Whether a column of a dataset may have it: U8, I8, I16, I32, I64, F32 or F64.
bool IsColumnType(std::string_view dtype);

// Product of `shape` times `element_size`; nothing when a dimension is negative or the product
// exceeds 2^63 - 1.
std::optional<uint64_t> ArrayBytes(std::span<const int64_t> shape, size_t element_size);

}  // namespace gradus::formats
