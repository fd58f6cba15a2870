// SPDX-License-Identifier: Apache-2.0
// Whole-file operations: atomic replacement, bounded reading, trees.
#include "engine/base/file_ops.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/status.h"

namespace gradus::base {
namespace {

// Everything up to the rename: what fails here leaves only the temporary file to remove.
absl::Status WriteAndRename(Files& files, TemporaryFile& temporary, const std::string& path,
                            std::span<const std::byte> bytes) {
  RETURN_IF_ERROR(temporary.file->Append(bytes));
  FAILPOINT_STATUS("base.files.before_sync_file");
  RETURN_IF_ERROR(temporary.file->Sync());
  temporary.file.reset();
  FAILPOINT_STATUS("base.files.before_rename");
  return files.Rename(temporary.path, path);
}

}  // namespace

absl::Status WriteFileAtomically(Files& files, const std::string& path,
                                 std::span<const std::byte> bytes) {
  const std::string dir = ParentOf(path);
  ASSIGN_OR_RETURN(TemporaryFile temporary, files.CreateTemporary(dir));
  if (absl::Status status = WriteAndRename(files, temporary, path, bytes); !status.ok()) {
    temporary.file.reset();
    files.Remove(temporary.path).IgnoreError();  // the first error is the one to report
    return status;
  }
  FAILPOINT_STATUS("base.files.before_sync_dir");
  return files.SyncDir(dir);
}

absl::Status WriteFileAtomically(Files& files, const std::string& path, std::string_view text) {
  return WriteFileAtomically(files, path, AsBytes(text));
}

absl::StatusOr<std::string> ReadFile(Files& files, const std::string& path, size_t max_bytes) {
  ASSIGN_OR_RETURN(std::unique_ptr<File> file, files.OpenRead(path));
  ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(path, ": ", size, " bytes, at most ", max_bytes, " are allowed"));
  }
  std::string text(static_cast<size_t>(size), '\0');
  ASSIGN_OR_RETURN(const size_t count,
                   file->ReadAt(0, std::as_writable_bytes(std::span<char>(text))));
  text.resize(count);
  return text;
}

absl::Status MakeDirs(Files& files, const std::string& dir, uint32_t mode) {
  ASSIGN_OR_RETURN(const bool exists, files.Exists(dir));
  if (exists) {
    ASSIGN_OR_RETURN(const FileInfo info, files.Stat(dir));
    if (!info.is_directory)
      return absl::FailedPreconditionError(absl::StrCat(dir, ": not a directory"));
    return absl::OkStatus();
  }
  const std::string parent = ParentOf(dir);
  if (parent != dir && parent != ".") RETURN_IF_ERROR(MakeDirs(files, parent, mode));
  RETURN_IF_ERROR(files.MakeDir(dir, mode));
  return files.SyncDir(parent);
}

absl::Status RemoveTree(Files& files, const std::string& path) {
  absl::StatusOr<FileInfo> info = files.Stat(path);
  if (absl::IsNotFound(info.status())) return absl::OkStatus();
  RETURN_IF_ERROR(info.status());
  if (info->is_directory && !info->is_symlink) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(path));
    for (const std::string& name : names) RETURN_IF_ERROR(RemoveTree(files, JoinPath(path, name)));
  }
  return files.Remove(path);
}

std::string ParentOf(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  std::string_view parent = path.substr(0, slash);
  while (parent.size() > 1 && parent.back() == '/') parent.remove_suffix(1);
  return parent.empty() ? "/" : std::string(parent);
}

std::string JoinPath(std::string_view dir, std::string_view name) {
  while (dir.size() > 1 && dir.back() == '/') dir.remove_suffix(1);
  while (!name.empty() && name.front() == '/') name.remove_prefix(1);
  std::string joined(dir);
  if (!joined.empty() && joined.back() != '/') joined += '/';
  joined += name;
  return joined;
}

}  // namespace gradus::base
