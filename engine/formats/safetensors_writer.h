// SPDX-License-Identifier: Apache-2.0
// Writing safetensors: one pass, tensor by tensor, the same bytes for the same content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/formats/safetensors.h"

namespace gradus::formats {

// The header of a file with these tensors (their begin and end are not looked at: the values follow
// in this order, without gaps) and this metadata, length included. Metadata come sorted; spaces
// fill up to a multiple of 8.
//   Errors  INVALID_ARGUMENT for an unknown type, a negative dimension, a size beyond 2^63, a name
//   twice or reserved or no UTF-8.
absl::StatusOr<std::string> MakeSafetensorsHeader(std::span<const TensorInfo> tensors,
                                                  const TensorMetadata& metadata);

// Writes one file, in order, into whatever takes bytes: a base::File's Append, a hash, both.
//   Owns     copies of the descriptions; no values are kept.
//   Threads  one caller at a time.
//   Errors   INVALID_ARGUMENT for what MakeSafetensorsHeader refuses; FAILED_PRECONDITION for
//   values whose size is not the next tensor's or a file
//            ended too soon; the sink's own errors as they are.
class SafetensorsWriter {
 public:
  using Sink = std::function<absl::Status(std::span<const std::byte>)>;

  // Sends the header to `sink`.
  static absl::StatusOr<SafetensorsWriter> Create(std::span<const TensorInfo> tensors,
                                                  const TensorMetadata& metadata, Sink sink);

  // All values of the next tensor, little endian, C order.
  absl::Status Append(std::span<const std::byte> values);
  absl::Status Append(std::span<const float> values) { return Append(std::as_bytes(values)); }

  // To be called after the last tensor; returns the file's size.
  absl::StatusOr<uint64_t> Finish() const;

 private:
  SafetensorsWriter(std::vector<TensorInfo> tensors, uint64_t written, Sink sink)
      : tensors_(std::move(tensors)), written_(written), sink_(std::move(sink)) {}

  std::vector<TensorInfo> tensors_;
  size_t next_ = 0;
  uint64_t written_;
  Sink sink_;
};

}  // namespace gradus::formats
