// SPDX-License-Identifier: Apache-2.0
// Records behind their lengths, in a file that is truncated whenever it has been read to its end.
#include "server/worker/spool.h"

#include <cstddef>
#include <cstring>
#include <span>

#include "engine/base/status.h"

namespace gradus::worker {

absl::Status Spool::Push(absl::string_view record) {
  RETURN_IF_ERROR(failed_);
  if (file_ == nullptr) {
    absl::StatusOr<std::unique_ptr<base::File>> opened =
        files_.OpenWrite(path_, {.create = true, .truncate = true});
    if (!opened.ok()) return failed_ = opened.status();
    file_ = *std::move(opened);
  }
  const uint64_t length = record.size();
  std::string framed(reinterpret_cast<const char*>(&length), sizeof(length));
  framed.append(record.data(), record.size());
  failed_ = file_->WriteAt(write_at_, std::as_bytes(std::span<const char>(framed)));
  if (failed_.ok()) write_at_ += framed.size();
  return failed_;
}

absl::StatusOr<std::string> Spool::Pop() {
  uint64_t length = 0;
  ASSIGN_OR_RETURN(
      const size_t got,
      file_->ReadAt(read_at_, std::as_writable_bytes(std::span<uint64_t>(&length, 1))));
  if (got != sizeof(length) || length > write_at_ - read_at_ - sizeof(length))
    return absl::DataLossError("the event spool is damaged");
  std::string record(length, '\0');
  ASSIGN_OR_RETURN(
      const size_t body,
      file_->ReadAt(read_at_ + sizeof(length), std::as_writable_bytes(std::span<char>(record))));
  if (body != length) return absl::DataLossError("the event spool is damaged");
  read_at_ += sizeof(length) + length;
  if (empty()) {
    read_at_ = write_at_ = 0;
    RETURN_IF_ERROR(file_->Truncate(0));
  }
  return record;
}

}  // namespace gradus::worker
