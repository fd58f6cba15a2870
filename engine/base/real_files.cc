// SPDX-License-Identifier: Apache-2.0
// The machine's tree of files, whole or below one root that no path can leave.
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/files.h"
#include "engine/base/random.h"
#include "engine/base/real_file.h"
#include "engine/base/status.h"

namespace gradus::base {
namespace {

std::string NameOf(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return std::string(path.substr(path.rfind('/') + 1));
}

// A directory that is open, and a name in it: what the *at calls take.
struct Entry {
  Descriptor dir;
  std::string name;
};

class MachineFiles final : public Files {
 public:
  // An invalid `root` means the whole machine.
  explicit MachineFiles(Descriptor root) : root_(std::move(root)) {}

  absl::StatusOr<std::unique_ptr<File>> OpenRead(const std::string& path) override {
    ASSIGN_OR_RETURN(Descriptor fd, OpenRegular(path, O_RDONLY, 0));
    return MakeRealFile(std::move(fd), path);
  }

  absl::StatusOr<std::unique_ptr<File>> OpenWrite(const std::string& path,
                                                  const OpenOptions& options) override {
    const int flags = O_RDWR | (options.create ? O_CREAT : 0) |
                      (options.create && options.exclusive ? O_EXCL : 0);
    ASSIGN_OR_RETURN(Descriptor fd, OpenRegular(path, flags, options.mode));
    std::unique_ptr<File> file = MakeRealFile(std::move(fd), path);
    // Not O_TRUNC: what is opened must have proved to be a regular file first.
    if (options.truncate) RETURN_IF_ERROR(file->Truncate(0));
    return file;
  }

  absl::StatusOr<TemporaryFile> CreateTemporary(const std::string& dir) override {
    const std::string path = JoinPath(dir, absl::StrCat(".tmp-", RandomHex(SystemRandom(), 16)));
    ASSIGN_OR_RETURN(
        std::unique_ptr<File> file,
        OpenWrite(path,
                  OpenOptions{.create = true, .exclusive = true, .truncate = false, .mode = 0600}));
    return TemporaryFile{path, std::move(file)};
  }

  absl::StatusOr<MappedFile> Map(const std::string& path) override {
    ASSIGN_OR_RETURN(const Descriptor fd, OpenRegular(path, O_RDONLY, 0));
    return MapDescriptor(fd, path);
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    ASSIGN_OR_RETURN(const Entry source, EntryOf(from));
    ASSIGN_OR_RETURN(const Entry target, EntryOf(to));
    if (::renameat(source.dir.get(), source.name.c_str(), target.dir.get(), target.name.c_str()) !=
        0) {
      return ErrnoStatus(errno, absl::StrCat(from, ": rename to ", to));
    }
    return absl::OkStatus();
  }

  absl::Status SyncDir(const std::string& dir) override {
    ASSIGN_OR_RETURN(const Descriptor fd, Open(dir, O_RDONLY | O_DIRECTORY, 0));
    return SyncDescriptor(fd, dir);
  }

  absl::Status Remove(const std::string& path) override {
    ASSIGN_OR_RETURN(const Entry entry, EntryOf(path));
    if (::unlinkat(entry.dir.get(), entry.name.c_str(), 0) == 0) return absl::OkStatus();
    if (errno == EISDIR && ::unlinkat(entry.dir.get(), entry.name.c_str(), AT_REMOVEDIR) == 0)
      return absl::OkStatus();
    return ErrnoStatus(errno, absl::StrCat(path, ": remove"));
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override {
    ASSIGN_OR_RETURN(Descriptor fd, Open(dir, O_RDONLY | O_DIRECTORY, 0));
    DIR* const stream = ::fdopendir(fd.get());
    if (stream == nullptr) return ErrnoStatus(errno, absl::StrCat(dir, ": list"));
    fd.Release();  // closedir closes it
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    const int error = errno;
    ::closedir(stream);
    if (error != 0) return ErrnoStatus(error, absl::StrCat(dir, ": list"));
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::StatusOr<FileInfo> Stat(const std::string& path) override {
    ASSIGN_OR_RETURN(const Entry entry, EntryOf(path));
    struct stat info;
    if (::fstatat(entry.dir.get(), entry.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return ErrnoStatus(errno, absl::StrCat(path, ": stat"));
    }
    const bool is_symlink = S_ISLNK(info.st_mode);
    // Below a root links lead nowhere; elsewhere a dangling one is described itself.
    struct stat target;
    if (is_symlink && !rooted() && ::fstatat(entry.dir.get(), entry.name.c_str(), &target, 0) == 0)
      info = target;
    return FileInfo{
        .size = static_cast<uint64_t>(info.st_size),
        .is_directory = S_ISDIR(info.st_mode),
        .is_symlink = is_symlink,
        .modified_micros = int64_t{info.st_mtim.tv_sec} * 1000000 + info.st_mtim.tv_nsec / 1000};
  }

  absl::Status MakeDir(const std::string& dir, uint32_t mode) override {
    ASSIGN_OR_RETURN(const Entry entry, EntryOf(dir));
    if (::mkdirat(entry.dir.get(), entry.name.c_str(), mode) == 0) return absl::OkStatus();
    if (errno != EEXIST) return ErrnoStatus(errno, absl::StrCat(dir, ": mkdir"));
    ASSIGN_OR_RETURN(const FileInfo info, Stat(dir));
    if (info.is_directory) return absl::OkStatus();
    return absl::AlreadyExistsError(
        absl::StrCat(dir, ": there is something that is not a directory"));
  }

  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    ASSIGN_OR_RETURN(Descriptor fd, OpenRegular(path, O_RDWR | O_CREAT, 0600));
    return LockDescriptor(std::move(fd), path);
  }

 private:
  bool rooted() const { return root_.valid(); }

  // O_NONBLOCK keeps the open of a fifo from waiting for its other end; openat2 refuses it beside
  // O_PATH, which never waits.
  absl::StatusOr<Descriptor> Open(const std::string& path, int flags, uint32_t mode) const {
    const int all_flags = flags | O_CLOEXEC | ((flags & O_PATH) != 0 ? 0 : O_NOCTTY | O_NONBLOCK);
    long fd = -1;
    if (rooted()) {
      struct open_how how = {};
      how.flags = static_cast<uint64_t>(all_flags);
      how.mode = (flags & O_CREAT) != 0 ? mode : 0;
      how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
      // EAGAIN: something was renamed meanwhile and the kernel could not prove that the path stays
      // below.
      do {
        fd = ::syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof(how));
      } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    } else {
      fd = RetryOnInterrupt(
          [&] { return ::open(path.c_str(), all_flags, static_cast<mode_t>(mode)); });
    }
    if (fd < 0) return ErrnoStatus(errno, absl::StrCat(path, ": open"));
    return Descriptor(static_cast<int>(fd));
  }

  absl::StatusOr<Descriptor> OpenRegular(const std::string& path, int flags, uint32_t mode) const {
    if (path.find('\0') != std::string::npos)
      return absl::InvalidArgumentError("a path contains a NUL byte");
    ASSIGN_OR_RETURN(Descriptor fd, Open(path, flags, mode));
    struct stat info;
    if (::fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, absl::StrCat(path, ": stat"));
    if (!S_ISREG(info.st_mode))
      return absl::FailedPreconditionError(absl::StrCat(path, ": not a regular file"));
    if (rooted() && info.st_nlink != 1) {
      return absl::PermissionDeniedError(
          absl::StrCat(path, ": has ", info.st_nlink, " links, 1 is allowed"));
    }
    return fd;
  }

  absl::StatusOr<Entry> EntryOf(const std::string& path) const {
    if (path.find('\0') != std::string::npos)
      return absl::InvalidArgumentError("a path contains a NUL byte");
    std::string name = NameOf(path);
    // "", "/", "." and ".." name no entry of their parent: the directory itself is opened, under
    // its own name ".".
    const bool is_self = name.empty() || name == "." || name == "..";
    const std::string dir = !is_self ? ParentOf(path) : path.empty() ? "." : path;
    ASSIGN_OR_RETURN(Descriptor fd, Open(dir, O_PATH | O_DIRECTORY, 0));
    return Entry{std::move(fd), is_self ? "." : std::move(name)};
  }

  const Descriptor root_;
};

}  // namespace

Files& RealFiles() {
  static MachineFiles files{Descriptor()};
  return files;
}

absl::StatusOr<std::unique_ptr<Files>> OpenRoot(const std::string& root) {
  Descriptor fd(
      RetryOnInterrupt([&] { return ::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd.valid()) return ErrnoStatus(errno, absl::StrCat(root, ": open"));
  return std::make_unique<MachineFiles>(std::move(fd));
}

}  // namespace gradus::base
