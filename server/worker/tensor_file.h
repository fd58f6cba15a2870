// SPDX-License-Identifier: Apache-2.0
// A safetensors file on a descriptor, read a tensor at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/formats/safetensors.h"

namespace gradus::worker {

// Knows where everything lies; holds none of the values.
//   Threads  one.
class TensorFile {
 public:
  // `fd` must outlive it.
  //   Errors  INVALID_ARGUMENT as formats::ParseSafetensorsHeader.
  static absl::StatusOr<TensorFile> Open(int fd);

  const formats::SafetensorsHeader& header() const { return header_; }

  // A tensor's values, little endian, in pieces of whole elements.
  absl::Status Read(const formats::TensorInfo& tensor,
                    absl::FunctionRef<absl::Status(std::span<const std::byte>)> sink) const;

 private:
  TensorFile(int fd, formats::SafetensorsHeader header) : fd_(fd), header_(std::move(header)) {}

  int fd_;
  formats::SafetensorsHeader header_;
};

}  // namespace gradus::worker
