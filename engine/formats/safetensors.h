// SPDX-License-Identifier: Apache-2.0
// Safetensors files: named arrays behind a JSON header; read from bytes that nobody vouches for,
// written the same way each time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gradus::formats {

// One array. `begin` and `end` count from the start of the data, the first byte after the header.
struct TensorInfo {
  std::string name;
  std::string dtype;  // "F32", "U8", ...: see ElementSize
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;

  bool operator==(const TensorInfo&) const = default;
};

// Free words of the file, e.g. {"format": "pt"}.
using TensorMetadata = std::map<std::string, std::string>;

// What a file holds and where.
struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  // by `begin`: no gap, no overlap, no name twice
  TensorMetadata metadata;
  uint64_t data_begin = 0;  // of the first data byte in the file: 8 + the header's length
  uint64_t file_size = 0;

  // The tensor of that name, or null.
  const TensorInfo* Find(std::string_view name) const;
};

// Longest header that is read; checked before anything is done with it.
inline constexpr uint64_t kMaxSafetensorsHeader = 16 << 20;

// Bytes that ParseSafetensorsHeader needs of a file of `file_size` bytes: 8 + the header's length.
//   Errors  INVALID_ARGUMENT when the file is shorter than it says or the header too long.
absl::StatusOr<uint64_t> SafetensorsHeaderBytes(std::span<const std::byte> first_8,
                                                uint64_t file_size);

// Reads the header out of a file's first bytes, at least SafetensorsHeaderBytes of them.
//   Errors  INVALID_ARGUMENT: not JSON, unknown keys or types, a size that is not shape times type,
//   gaps, overlaps, a name twice, data that do not
//           fill the file exactly.
absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(std::span<const std::byte> bytes,
                                                         uint64_t file_size);

// A whole file in memory, checked.
//   Owns     nothing of the bytes: they must outlive it.
//   Threads  reading: any.
class SafetensorsView {
 public:
  static absl::StatusOr<SafetensorsView> Parse(std::span<const std::byte> file);

  const SafetensorsHeader& header() const { return header_; }
  const std::vector<TensorInfo>& tensors() const { return header_.tensors; }
  const TensorMetadata& metadata() const { return header_.metadata; }

  // The values of a tensor of this file, little endian, C order; not aligned beyond a byte.
  std::span<const std::byte> Bytes(const TensorInfo& tensor) const;
  // NOT_FOUND names the tensor.
  absl::StatusOr<std::span<const std::byte>> Bytes(std::string_view name) const;

 private:
  SafetensorsView(SafetensorsHeader header, std::span<const std::byte> data)
      : header_(std::move(header)), data_(data) {}

  SafetensorsHeader header_;
  std::span<const std::byte> data_;
};

// A part of a source file.
struct ByteRange {
  uint64_t offset = 0;  // from the file's start
  uint64_t size = 0;

  bool operator==(const ByteRange&) const = default;
};

// A file made of some tensors of another: `header`, then `ranges` of the source, one after another.
struct SafetensorsSubset {
  std::string header;
  std::vector<ByteRange> ranges;  // neighbours joined
  uint64_t size = 0;              // of the whole new file
};

// The file that holds just the tensors `names` of `source` (in the source's order) and its
// metadata.
//   Errors  NOT_FOUND names a tensor that is not there.
absl::StatusOr<SafetensorsSubset> SelectTensors(const SafetensorsHeader& source,
                                                std::span<const std::string> names);

}  // namespace gradus::formats
