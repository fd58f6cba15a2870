// SPDX-License-Identifier: Apache-2.0
// The element types of NPY files, and what becomes of each: columns of datasets have fewer.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "absl/status/status.h"

namespace gradus::formats {

// One element type as NPY names it, without its byte order.
struct NpyType {
  std::string_view code;   // "f4"
  std::string_view dtype;  // what its values become: U8, I8, I16, I32, I64, F32 or F64
  size_t stored_bytes;     // of an element in the file
  size_t value_bytes;      // of what it becomes
  // Writes what the elements of `stored`, little endian, become to `values`, which has room for as
  // many. Null: they are it already.
  //   Errors  INVALID_ARGUMENT for a value that `dtype` cannot hold.
  absl::Status (*convert)(std::span<const std::byte> stored, std::byte* values);
};

// The type of that code: b1, i1 to i8, u1 to u8, f2, f4, f8; null for any other.
const NpyType* FindNpyType(std::string_view code);

}  // namespace gradus::formats
