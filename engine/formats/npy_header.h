// SPDX-License-Identifier: Apache-2.0
// The header of an NPY file: a few bytes, then a Python dictionary as text, which is read by its
// grammar and never evaluated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/formats/npy_type.h"

namespace gradus::formats {

// What an NPY file holds.
struct NpyHeader {
  std::string dtype;           // of the values as they come out: U8, I8, I16, I32, I64, F32 or F64
  std::vector<int64_t> shape;  // 1 to 16 dimensions, the first counts the rows; none is 0
  uint64_t header_bytes = 0;
  uint64_t data_bytes = 0;   // in the file
  uint64_t value_bytes = 0;  // as they come out: up to twice as many
  // How the values lie in the file.
  const NpyType* type = nullptr;
  bool big_endian = false;
  bool fortran_order = false;

  int64_t rows() const { return shape.front(); }
  std::span<const int64_t> row_shape() const { return std::span(shape).subspan(1); }
};

// The longest dictionary that is read; numpy.load takes no longer one either.
inline constexpr size_t kMaxNpyHeader = 10'000;

// Reads the header from a file's first bytes; nothing when they are too few to hold all of it.
//   Errors  INVALID_ARGUMENT: no NPY of version 1.0, 2.0 or 3.0; a dictionary too long, of another
//           form than numpy writes, or with other keys than descr, fortran_order and shape; objects
//           (pickles), records and other types than NpyType has; no or too many dimensions, a
//           dimension of 0, a size beyond 2^63.
//   Source  numpy.lib.format; NEP 1.
absl::StatusOr<std::optional<NpyHeader>> ParseNpyHeader(std::span<const std::byte> first_bytes);

}  // namespace gradus::formats
