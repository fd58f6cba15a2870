// SPDX-License-Identifier: Apache-2.0
// Conveniences that every tree of files has.
#include "engine/base/files.h"

#include "engine/base/status.h"

namespace gradus::base {

absl::StatusOr<bool> Files::Exists(const std::string& path) {
  const absl::StatusOr<FileInfo> info = Stat(path);
  if (absl::IsNotFound(info.status())) return false;
  RETURN_IF_ERROR(info.status());
  return true;
}

absl::StatusOr<uint64_t> Files::Size(const std::string& path) {
  ASSIGN_OR_RETURN(const FileInfo info, Stat(path));
  return info.size;
}

absl::Status Files::Truncate(const std::string& path, uint64_t size) {
  ASSIGN_OR_RETURN(const std::unique_ptr<File> file, OpenWrite(path, OpenOptions{}));
  return file->Truncate(size);
}

}  // namespace gradus::base
