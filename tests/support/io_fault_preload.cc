// SPDX-License-Identifier: Apache-2.0
// LD_PRELOAD library that fails the N-th write, sync, rename or truncation below a directory, in a
// program that knows nothing of it.
//
// Environment (without GRADUS_IO_FAULT it passes everything on):
//   GRADUS_IO_FAULT=OP:N:ERROR[:stay]
//       OP is write, fsync, rename, ftruncate or any; N counts from 1 in each process; ERROR is EIO
//       or ENOSPC; with `stay` every later one fails too
//   GRADUS_IO_FAULT_PREFIX=DIR
//       only files whose absolute path begins so; required
//   GRADUS_IO_FAULT_PROGRAM=NAME
//       only in the program of this file name; children inherit the environment
//   GRADUS_IO_FAULT_MARK=FILE
//       gets a line "failed PATH" when the fault happens, and "sync retried" for each sync of a
//       file whose sync failed before
// A setting that cannot be read ends the process: a misspelt test must not pass. Not for use with
// AddressSanitizer, which interposes the same calls.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

enum class Op { kWrite, kFsync, kRename, kFtruncate, kAny };

struct Setting {
  bool active = false;
  Op op = Op::kAny;
  unsigned long nth = 0;
  int error = 0;
  bool stay = false;
  const char* prefix = nullptr;
  const char* mark = nullptr;
};

std::atomic<unsigned long> matching_calls{0};
constexpr int kMaxDescriptor = 4096;
std::atomic<bool> sync_failed[kMaxDescriptor];

[[noreturn]] void Refuse(const char* what) {
  ::dprintf(2, "GRADUS_IO_FAULT: %s\n", what);
  ::_exit(125);
}

bool Take(const char*& text, const char* word) {
  const size_t length = std::strlen(word);
  if (std::strncmp(text, word, length) != 0) return false;
  text += length;
  return true;
}

bool IsThisProgram(const char* name) {
  if (name == nullptr) return true;
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof(path) - 1);
  if (length <= 0) return false;
  path[length] = '\0';
  const char* const slash = std::strrchr(path, '/');
  return std::strcmp(slash == nullptr ? path : slash + 1, name) == 0;
}

Setting ReadSetting() {
  Setting setting;
  const char* text = std::getenv("GRADUS_IO_FAULT");
  if (text == nullptr || !IsThisProgram(std::getenv("GRADUS_IO_FAULT_PROGRAM"))) return setting;
  if (Take(text, "write:"))
    setting.op = Op::kWrite;
  else if (Take(text, "fsync:"))
    setting.op = Op::kFsync;
  else if (Take(text, "rename:"))
    setting.op = Op::kRename;
  else if (Take(text, "ftruncate:"))
    setting.op = Op::kFtruncate;
  else if (!Take(text, "any:"))
    Refuse("the operation is none of write, fsync, rename, ftruncate, any");
  char* end = nullptr;
  setting.nth = std::strtoul(text, &end, 10);
  text = end;
  if (setting.nth == 0 || !Take(text, ":")) Refuse("the number is none from 1");
  if (Take(text, "EIO"))
    setting.error = EIO;
  else if (Take(text, "ENOSPC"))
    setting.error = ENOSPC;
  else
    Refuse("the error is neither EIO nor ENOSPC");
  setting.stay = Take(text, ":stay");
  if (*text != '\0') Refuse("there is something behind the error");
  setting.prefix = std::getenv("GRADUS_IO_FAULT_PREFIX");
  if (setting.prefix == nullptr || *setting.prefix != '/')
    Refuse("GRADUS_IO_FAULT_PREFIX is no absolute path");
  setting.mark = std::getenv("GRADUS_IO_FAULT_MARK");
  setting.active = true;
  return setting;
}

const Setting& TheSetting() {
  static const Setting setting = ReadSetting();
  return setting;
}

// By system calls: the functions below are interposed.
void Mark(const char* line) {
  const char* const path = TheSetting().mark;
  if (path == nullptr) return;
  const long fd =
      ::syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  static_cast<void>(::syscall(SYS_write, fd, line, std::strlen(line)));
  ::syscall(SYS_close, fd);
}

bool IsBelow(const char* path) {
  return std::strncmp(path, TheSetting().prefix, std::strlen(TheSetting().prefix)) == 0;
}

// The path of an open file; false when it has none.
bool PathOf(int fd, char (&path)[PATH_MAX]) {
  char link[64];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t length = ::readlink(link, path, sizeof(path) - 1);
  if (length <= 0) return false;
  path[length] = '\0';
  return true;
}

// A path as a *at call takes it.
bool IsBelow(int dir, const char* path) {
  if (path[0] == '/') return IsBelow(path);
  char directory[PATH_MAX];
  if (dir != AT_FDCWD) return PathOf(dir, directory) && IsBelow(directory);
  return ::getcwd(directory, sizeof(directory)) != nullptr && IsBelow(directory);
}

// Counts a call that may be the one; true when it is to fail, with errno set.
bool Fails(Op op, const char* path) {
  const Setting& setting = TheSetting();
  if (setting.op != Op::kAny && setting.op != op) return false;
  const unsigned long call = matching_calls.fetch_add(1) + 1;
  if (call != setting.nth && !(setting.stay && call > setting.nth)) return false;
  Mark("failed ");
  Mark(path);
  Mark("\n");
  errno = setting.error;
  return true;
}

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

bool FailsOn(Op op, int fd) {
  char path[PATH_MAX];
  return TheSetting().active && PathOf(fd, path) && IsBelow(path) && Fails(op, path);
}

int SyncWith(const char* name, int fd) {
  static const auto fsync_next = Next<int (*)(int)>("fsync");
  static const auto fdatasync_next = Next<int (*)(int)>("fdatasync");
  const bool known = fd >= 0 && fd < kMaxDescriptor;
  if (TheSetting().active && known && sync_failed[fd].load()) Mark("sync retried\n");
  if (FailsOn(Op::kFsync, fd)) {
    if (known) sync_failed[fd] = true;
    return -1;
  }
  return name[1] == 's' ? fsync_next(fd) : fdatasync_next(fd);
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* src, size_t count) {
  static const auto next = Next<ssize_t (*)(int, const void*, size_t)>("write");
  return FailsOn(Op::kWrite, fd) ? -1 : next(fd, src, count);
}

ssize_t pwrite(int fd, const void* src, size_t count, off_t offset) {
  static const auto next = Next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return FailsOn(Op::kWrite, fd) ? -1 : next(fd, src, count, offset);
}

ssize_t pwrite64(int fd, const void* src, size_t count, off64_t offset) {
  static const auto next = Next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  return FailsOn(Op::kWrite, fd) ? -1 : next(fd, src, count, offset);
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  static const auto next = Next<ssize_t (*)(int, const struct iovec*, int)>("writev");
  return FailsOn(Op::kWrite, fd) ? -1 : next(fd, parts, count);
}

int fsync(int fd) { return SyncWith("fsync", fd); }

int fdatasync(int fd) { return SyncWith("fdatasync", fd); }

int ftruncate(int fd, off_t size) noexcept {
  static const auto next = Next<int (*)(int, off_t)>("ftruncate");
  return FailsOn(Op::kFtruncate, fd) ? -1 : next(fd, size);
}

int ftruncate64(int fd, off64_t size) noexcept {
  static const auto next = Next<int (*)(int, off64_t)>("ftruncate64");
  return FailsOn(Op::kFtruncate, fd) ? -1 : next(fd, size);
}

int rename(const char* from, const char* to) noexcept {
  static const auto next = Next<int (*)(const char*, const char*)>("rename");
  if (TheSetting().active && IsBelow(AT_FDCWD, to) && Fails(Op::kRename, to)) return -1;
  return next(from, to);
}

int renameat(int from_dir, const char* from, int to_dir, const char* to) noexcept {
  static const auto next = Next<int (*)(int, const char*, int, const char*)>("renameat");
  if (TheSetting().active && IsBelow(to_dir, to) && Fails(Op::kRename, to)) return -1;
  return next(from_dir, from, to_dir, to);
}

int renameat2(int from_dir, const char* from, int to_dir, const char* to, unsigned flags) noexcept {
  static const auto next = Next<int (*)(int, const char*, int, const char*, unsigned)>("renameat2");
  if (TheSetting().active && IsBelow(to_dir, to) && Fails(Op::kRename, to)) return -1;
  return next(from_dir, from, to_dir, to, flags);
}

// A descriptor's number is used again: what its old file suffered is not the new one's.
int close(int fd) {
  static const auto next = Next<int (*)(int)>("close");
  if (fd >= 0 && fd < kMaxDescriptor) sync_failed[fd] = false;
  return next(fd);
}

}  // extern "C"
