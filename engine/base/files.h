// SPDX-License-Identifier: Apache-2.0
// The IO seam: every file that Gradus reads or writes goes through these interfaces, so that tests
// can fail the N-th call and cut the power.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/mapped_file.h"

namespace gradus::base {

// An open regular file; closed by its destructor.
//   Threads  one writer at a time; ReadAt from any.
//   Errors   NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED (disk full),
//            DATA_LOSS (EIO), as errno says. After a failed write or Sync the content is unknown:
//            never call Sync again and go on, the kernel may have dropped the pages and say OK.
class File {
 public:
  virtual ~File() = default;

  // Fills `dst` from `offset`; the count is less than dst.size() only where the file ends.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<std::byte> dst) const = 0;
  virtual absl::Status WriteAt(uint64_t offset, std::span<const std::byte> src) = 0;
  // Writes at the file's end as this process sees it.
  virtual absl::Status Append(std::span<const std::byte> src) = 0;
  // Makes content and size durable (not the name: see Files::SyncDir). Every failure is DATA_LOSS.
  virtual absl::Status Sync() = 0;
  virtual absl::Status Truncate(uint64_t size) = 0;
  virtual absl::StatusOr<uint64_t> Size() const = 0;
};

// A held lock file; let go by its destructor, or by the kernel when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

struct OpenOptions {
  bool create = false;     // make the file when it is missing
  bool exclusive = false;  // with create: ALREADY_EXISTS when it is there
  bool truncate = false;   // start empty
  uint32_t mode = 0600;    // permissions of a new file
};

struct TemporaryFile {
  std::string path;
  std::unique_ptr<File> file;
};

struct FileInfo {
  uint64_t size = 0;
  bool is_directory = false;
  bool is_symlink = false;      // what it points to is described, where there is something
  int64_t modified_micros = 0;  // wall time of the last change, microseconds since 1970
};

// A tree of files. Paths are UTF-8 with '/'; a rooted tree (OpenRoot) takes only relative ones.
//   Owns     nothing that it hands out.
//   Threads  any.
//   Errors   as File; the message names the path.
class Files {
 public:
  virtual ~Files() = default;

  // Only regular files are opened: a fifo, device or directory is FAILED_PRECONDITION.
  virtual absl::StatusOr<std::unique_ptr<File>> OpenRead(const std::string& path) = 0;
  virtual absl::StatusOr<std::unique_ptr<File>> OpenWrite(const std::string& path,
                                                          const OpenOptions& options) = 0;
  // A new file of a name that nobody has, in `dir`, mode 0600; its name starts with ".tmp-".
  virtual absl::StatusOr<TemporaryFile> CreateTemporary(const std::string& dir) = 0;
  // The whole file, read-only; it must not shrink while mapped.
  virtual absl::StatusOr<MappedFile> Map(const std::string& path) = 0;

  // Replaces `to` atomically. Durable only after SyncDir of both parents.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual absl::Status SyncDir(const std::string& dir) = 0;
  // A file or an empty directory; NOT_FOUND when there is none.
  virtual absl::Status Remove(const std::string& path) = 0;
  // Names in `dir`, sorted, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& dir) = 0;
  virtual absl::StatusOr<FileInfo> Stat(const std::string& path) = 0;
  // Makes the directory; OK when it is there already. The parent must exist.
  virtual absl::Status MakeDir(const std::string& dir, uint32_t mode = 0700) = 0;
  // Creates the file when missing and locks it against every other holder; FAILED_PRECONDITION when
  // it is held, without waiting.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;

  // False only for NOT_FOUND; other errors are errors.
  absl::StatusOr<bool> Exists(const std::string& path);
  absl::StatusOr<uint64_t> Size(const std::string& path);
  absl::Status Truncate(const std::string& path, uint64_t size);
};

// The machine's files, with the process's working directory and rights. Lives for ever.
Files& RealFiles();

// The machine's files below `root` and nowhere else: openat2 with RESOLVE_BENEATH, NO_SYMLINKS and
// NO_MAGICLINKS, files with one link only. PERMISSION_DENIED for a path that tries to leave.
absl::StatusOr<std::unique_ptr<Files>> OpenRoot(const std::string& root);

}  // namespace gradus::base
