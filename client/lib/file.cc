// SPDX-License-Identifier: Apache-2.0
// POSIX files with statuses.
#include "internal/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/status_macros.h"

namespace gradus::internal {
namespace {

absl::Status Errno(absl::string_view path) { return absl::ErrnoToStatus(errno, path); }

std::string FolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

absl::Status SyncFolder(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Errno(folder);
  const int synced = fsync(fd);
  const absl::Status status = synced == 0 ? absl::OkStatus() : Errno(folder);
  close(fd);
  return status;
}

}  // namespace

File& File::operator=(File&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  return *this;
}

File::~File() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<File> File::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Errno(path);
  File file(fd, path);
  struct stat info = {};
  if (fstat(fd, &info) != 0) return Errno(path);
  if (!S_ISREG(info.st_mode))
    return absl::InvalidArgumentError(absl::StrCat(path, ": not a regular file"));
  return file;
}

absl::StatusOr<File> File::OpenForAppend(const std::string& path, unsigned mode) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return Errno(path);
  return File(fd, path);
}

absl::StatusOr<File> File::LockFolder(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Errno(path);
  File folder(fd, path);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return absl::FailedPreconditionError(absl::StrCat(path, ": in use by another process"));
  return folder;
}

absl::StatusOr<int64_t> File::Size() const {
  struct stat info = {};
  if (fstat(fd_, &info) != 0) return Errno(path_);
  return info.st_size;
}

absl::StatusOr<size_t> File::ReadAt(int64_t offset, std::span<char> to) const {
  size_t done = 0;
  while (done < to.size()) {
    const ssize_t got =
        pread(fd_, to.data() + done, to.size() - done, offset + static_cast<int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Errno(path_);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

absl::Status File::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(fd_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Errno(path_);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return absl::OkStatus();
}

absl::Status File::Truncate(int64_t size) {
  return ftruncate(fd_, size) == 0 ? absl::OkStatus() : Errno(path_);
}

absl::Status File::Sync() { return fsync(fd_) == 0 ? absl::OkStatus() : Errno(path_); }

absl::StatusOr<std::string> ReadWholeFile(const std::string& path, size_t most_bytes) {
  ASSIGN_OR_RETURN(const File file, File::Open(path));
  // One byte more than allowed tells a file that is too large, whatever its size says.
  std::string bytes(most_bytes + 1, '\0');
  ASSIGN_OR_RETURN(const size_t size, file.ReadAt(0, bytes));
  if (size > most_bytes)
    return absl::InvalidArgumentError(absl::StrCat(path, ": larger than ", most_bytes, " bytes"));
  bytes.resize(size);
  return bytes;
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view bytes, unsigned mode) {
  std::string temporary = path + ".XXXXXX";
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return Errno(path);
  absl::Status status = fchmod(fd, mode) == 0 ? absl::OkStatus() : Errno(path);
  close(fd);
  if (status.ok()) {
    absl::StatusOr<File> file = File::OpenForAppend(temporary, mode);
    status = file.status();
    if (status.ok()) status = file->Append(bytes);
    if (status.ok()) status = file->Sync();
  }
  if (status.ok()) status = RenameDurably(temporary, path);
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

absl::Status RenameDurably(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) return Errno(to);
  return SyncFolder(FolderOf(to));
}

absl::Status MakeFolders(const std::string& path, unsigned mode) {
  if (path.empty()) return absl::OkStatus();
  std::string so_far;
  for (const std::filesystem::path& part : std::filesystem::path(path)) {
    so_far = so_far.empty() ? part.string() : (std::filesystem::path(so_far) / part).string();
    if (mkdir(so_far.c_str(), mode) != 0 && errno != EEXIST) return Errno(so_far);
  }
  std::error_code error;
  if (!std::filesystem::is_directory(path, error))
    return absl::FailedPreconditionError(absl::StrCat(path, ": not a folder"));
  return absl::OkStatus();
}

}  // namespace gradus::internal
