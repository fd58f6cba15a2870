// SPDX-License-Identifier: Apache-2.0
// Who uses a file has a shared flock on it, which the kernel lets go with the process; who removes
// it an exclusive one. base::Files has no shared locks, so this goes past it.
#include "server/worker/held_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/real_file.h"
#include "engine/base/status.h"

namespace gradus::worker {
namespace {

absl::StatusOr<base::Descriptor> OpenOwn(const std::string& path) {
  base::Descriptor fd(base::RetryOnInterrupt([&] {
    return ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  }));
  if (!fd.valid() && errno == ELOOP)
    return absl::FailedPreconditionError(absl::StrCat(path, ": a link"));
  if (!fd.valid()) return base::ErrnoStatus(errno, absl::StrCat(path, ": open"));
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return base::ErrnoStatus(errno, absl::StrCat(path, ": stat"));
  if (!S_ISREG(info.st_mode))
    return absl::FailedPreconditionError(absl::StrCat(path, ": not a regular file"));
  if (info.st_uid != ::geteuid())
    return absl::PermissionDeniedError(absl::StrCat(path, ": belongs to another user"));
  return fd;
}

}  // namespace

absl::StatusOr<base::MappedFile> MapHeld(const std::string& path) {
  ASSIGN_OR_RETURN(base::Descriptor fd, OpenOwn(path));
  if (base::RetryOnInterrupt([&] { return ::flock(fd.get(), LOCK_SH | LOCK_NB); }) != 0) {
    if (errno == EWOULDBLOCK)
      return absl::NotFoundError(absl::StrCat(path, ": about to be removed"));
    return base::ErrnoStatus(errno, absl::StrCat(path, ": flock"));
  }
  // Its time says when it was last used; one that cannot be set is no reason to do without it.
  if (::futimens(fd.get(), nullptr) != 0) errno = 0;
  ASSIGN_OR_RETURN(base::MappedFile mapped, base::MapDescriptor(fd, path));
  // Let go in this order: the mapping, then the lock.
  auto file = std::make_shared<base::MappedFile>(std::move(mapped));
  const std::span<const std::byte> bytes = file->bytes();
  auto held = std::make_shared<base::Descriptor>(std::move(fd));
  return base::MappedFile(bytes, [file, held]() mutable {
    file.reset();
    held.reset();
  });
}

absl::StatusOr<base::Descriptor> TakeUnheld(const std::string& path) {
  ASSIGN_OR_RETURN(base::Descriptor fd, OpenOwn(path));
  if (base::RetryOnInterrupt([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) == 0) return fd;
  if (errno == EWOULDBLOCK) return absl::FailedPreconditionError(absl::StrCat(path, ": in use"));
  return base::ErrnoStatus(errno, absl::StrCat(path, ": flock"));
}

}  // namespace gradus::worker
