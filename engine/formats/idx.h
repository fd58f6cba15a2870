// SPDX-License-Identifier: Apache-2.0
// IDX files, as of the MNIST data: a small big-endian header, then one array.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gradus::formats {

// What an IDX file holds.
struct IdxHeader {
  std::string dtype;           // U8, I8, I16, I32, F32 or F64
  std::vector<int64_t> shape;  // 1 to 16 dimensions, the first counts the rows; none is 0
  uint64_t header_bytes = 0;
  uint64_t data_bytes = 0;

  int64_t rows() const { return shape.front(); }
  std::span<const int64_t> row_shape() const { return std::span(shape).subspan(1); }
};

// Reads the header from a file's first bytes; nothing when they are too few to hold all of it.
//   Errors  INVALID_ARGUMENT: no IDX, an unknown type, no or too many dimensions, a dimension of 0,
//   a size beyond 2^63.
absl::StatusOr<std::optional<IdxHeader>> ParseIdxHeader(std::span<const std::byte> first_bytes);

// One IDX file whose bytes are pushed in order, in pieces of any size; values come out little
// endian, in whole elements.
//   Owns     less than 128 KiB, however large the file.
//   Threads  one caller at a time.
//   Errors   INVALID_ARGUMENT as ParseIdxHeader and, by Finish, where the file is shorter or longer
//   than its header says; the callbacks' own errors.
class IdxDecoder {
 public:
  // Called once, when the header is complete.
  using HeaderSink = absl::FunctionRef<absl::Status(const IdxHeader&)>;
  // Gets values, at most 64 KiB at once. Bytes beyond those that the header announces are counted
  // and dropped.
  using ValueSink = absl::FunctionRef<absl::Status(std::span<const std::byte>)>;

  absl::Status Push(std::span<const std::byte> bytes, HeaderSink on_header, ValueSink on_values);
  absl::Status Finish() const;

  // REQUIRES: on_header was called.
  const IdxHeader& header() const { return *header_; }

 private:
  absl::Status PushHeader(std::span<const std::byte>& bytes, HeaderSink on_header);
  absl::Status PushValues(std::span<const std::byte> bytes, ValueSink on_values);

  std::vector<std::byte> pending_;  // an incomplete header, then an incomplete element
  std::optional<IdxHeader> header_;
  size_t element_ = 0;
  uint64_t seen_ = 0;  // bytes of the whole file so far
  std::vector<std::byte> swapped_;
};

}  // namespace gradus::formats
