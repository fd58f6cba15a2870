// SPDX-License-Identifier: Apache-2.0
// Owners and modes are the machine's: this goes past base::Files, which knows neither.
#include "server/worker/private_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "engine/base/descriptor.h"
#include "engine/base/file_ops.h"
#include "engine/base/files.h"
#include "engine/base/status.h"

namespace gradus::worker {

absl::Status MakePrivateFolder(const std::string& folder_path) {
  std::string path = folder_path;
  // With a slash behind it a link would be followed.
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  RETURN_IF_ERROR(base::MakeDirs(base::RealFiles(), base::ParentOf(path)));
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return base::ErrnoStatus(errno, absl::StrCat(path, ": mkdir"));
  const base::Descriptor folder(base::RetryOnInterrupt(
      [&] { return ::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC); }));
  struct stat info;
  if (!folder.valid() || ::fstat(folder.get(), &info) != 0)
    return base::ErrnoStatus(errno, absl::StrCat(path, ": open"));
  if (!S_ISDIR(info.st_mode))
    return absl::PermissionDeniedError(absl::StrCat(path, ": not a folder, or a link to one"));
  if (info.st_uid != ::geteuid())
    return absl::PermissionDeniedError(absl::StrCat(path, ": belongs to another user"));
  if ((info.st_mode & 0777) != 0700)
    return absl::PermissionDeniedError(absl::StrCat(path, ": its mode is not 0700"));
  return absl::OkStatus();
}

}  // namespace gradus::worker
