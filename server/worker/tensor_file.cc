// SPDX-License-Identifier: Apache-2.0
#include "server/worker/tensor_file.h"

#include <unistd.h>

#include <algorithm>

#include "engine/base/descriptor.h"
#include "engine/base/status.h"

namespace gradus::worker {
namespace {

// Of whole elements of any type.
constexpr uint64_t kPiece = 256 << 10;

absl::Status TooShort() { return absl::InvalidArgumentError("safetensors: the file ends early"); }

}  // namespace

absl::StatusOr<TensorFile> TensorFile::Open(int fd) {
  const off_t size = ::lseek(fd, 0, SEEK_END);
  if (size < 0) return base::ErrnoStatus(errno, "input");
  const auto file_size = static_cast<uint64_t>(size);
  std::vector<std::byte> bytes(8);
  ASSIGN_OR_RETURN(size_t count, base::ReadFully(fd, 0, bytes, "input"));
  if (count < bytes.size()) return TooShort();
  ASSIGN_OR_RETURN(const uint64_t length, formats::SafetensorsHeaderBytes(bytes, file_size));
  bytes.resize(length);
  ASSIGN_OR_RETURN(count, base::ReadFully(fd, 0, bytes, "input"));
  if (count < bytes.size()) return TooShort();
  ASSIGN_OR_RETURN(formats::SafetensorsHeader header,
                   formats::ParseSafetensorsHeader(bytes, file_size));
  return TensorFile(fd, std::move(header));
}

absl::Status TensorFile::Read(
    const formats::TensorInfo& tensor,
    absl::FunctionRef<absl::Status(std::span<const std::byte>)> sink) const {
  std::vector<std::byte> buffer(std::min(kPiece, tensor.end - tensor.begin));
  for (uint64_t at = tensor.begin; at < tensor.end;) {
    const std::span<std::byte> piece =
        std::span(buffer).first(std::min<uint64_t>(buffer.size(), tensor.end - at));
    ASSIGN_OR_RETURN(const size_t count,
                     base::ReadFully(fd_, header_.data_begin + at, piece, "input"));
    if (count < piece.size()) return TooShort();
    RETURN_IF_ERROR(sink(piece));
    at += count;
  }
  return absl::OkStatus();
}

}  // namespace gradus::worker
