// SPDX-License-Identifier: Apache-2.0
// Reading and writing of a client's own files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace gradus::internal {

// An open file. Movable; closes itself.
//   Errors   by errno, with the path in front.
class File {
 public:
  File() = default;
  File(File&& other) noexcept : fd_(other.fd_), path_(std::move(other.path_)) { other.fd_ = -1; }
  File& operator=(File&& other) noexcept;
  ~File();

  // For reading; regular files only, so that a pipe or a device never blocks.
  static absl::StatusOr<File> Open(const std::string& path);
  // For writing and reading at the end of what is there; made with `mode` if need be.
  static absl::StatusOr<File> OpenForAppend(const std::string& path, unsigned mode);

  // A folder, with a lock that lasts as long as the File: FAILED_PRECONDITION while another process
  // (or another File of this one) has it. File systems without such locks give none.
  static absl::StatusOr<File> LockFolder(const std::string& path);

  absl::StatusOr<int64_t> Size() const;
  // Fewer bytes than asked for only at the file's end.
  absl::StatusOr<size_t> ReadAt(int64_t offset, std::span<char> to) const;
  absl::Status Append(absl::string_view bytes);
  absl::Status Truncate(int64_t size);
  absl::Status Sync();

 private:
  File(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_ = -1;
  std::string path_;
};

absl::StatusOr<std::string> ReadWholeFile(const std::string& path, size_t most_bytes);

// Under a temporary name beside `path`, synced, renamed: `path` has all of the bytes or is as
// before.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view bytes, unsigned mode);

// rename(2), then the folder synced.
absl::Status RenameDurably(const std::string& from, const std::string& to);

absl::Status MakeFolders(const std::string& path, unsigned mode);

}  // namespace gradus::internal
