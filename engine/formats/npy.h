// SPDX-License-Identifier: Apache-2.0
// NPY files: one array as NumPy stores it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "engine/formats/npy_header.h"

namespace gradus::formats {

// An array in Fortran order is turned to C order in memory, so it may have so many bytes at most.
inline constexpr uint64_t kMaxReordered = 64 << 20;

// One NPY file whose bytes are pushed in order, in pieces of any size; values come out as
// `header().dtype`, little endian, in C order and in whole elements.
//   Owns     less than 256 KiB, however large the file; besides, a whole array in Fortran order.
//   Threads  one caller at a time.
//   Errors   INVALID_ARGUMENT as ParseNpyHeader, for a value that the dtype cannot hold, an array in
//            Fortran order beyond kMaxReordered and, by Finish, where the file is shorter or longer
//            than its header says; the callbacks' own errors.
class NpyDecoder {
 public:
  // Called once, when the header is complete.
  using HeaderSink = absl::FunctionRef<absl::Status(const NpyHeader&)>;
  // Gets values, at most 64 KiB at once. Bytes beyond those that the header announces are counted
  // and dropped.
  using ValueSink = absl::FunctionRef<absl::Status(std::span<const std::byte>)>;

  absl::Status Push(std::span<const std::byte> bytes, HeaderSink on_header, ValueSink on_values);
  absl::Status Finish() const;

  // REQUIRES: on_header was called.
  const NpyHeader& header() const { return *header_; }

 private:
  absl::Status PushHeader(std::span<const std::byte>& bytes, HeaderSink on_header);
  absl::Status PushValues(std::span<const std::byte> bytes, ValueSink on_values);
  absl::Status PassReordered(ValueSink on_values);
  absl::Status Pass(std::span<std::byte> stored, ValueSink on_values);

  std::vector<std::byte> pending_;  // an incomplete header, element or array in Fortran order
  std::optional<NpyHeader> header_;
  size_t batch_ = 0;      // elements that are converted at once
  bool reorder_ = false;  // whether Fortran's order is another one than C's here
  uint64_t seen_ = 0;     // bytes of the whole file so far
  std::vector<std::byte> values_;
};

}  // namespace gradus::formats
