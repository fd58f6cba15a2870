// SPDX-License-Identifier: Apache-2.0
// Files, mappings and locks of the machine.
#include "engine/base/real_file.h"

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::base {
namespace {

absl::StatusOr<uint64_t> SizeOf(int fd, const std::string& name) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return ErrnoStatus(errno, absl::StrCat(name, ": stat"));
  return static_cast<uint64_t>(info.st_size);
}

class RealFile final : public File {
 public:
  RealFile(Descriptor fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<std::byte> dst) const override {
    return ReadFully(fd_.get(), offset, dst, name_);
  }

  absl::Status WriteAt(uint64_t offset, std::span<const std::byte> src) override {
    return WriteFully(fd_.get(), offset, src, name_);
  }

  absl::Status Append(std::span<const std::byte> src) override {
    ASSIGN_OR_RETURN(const uint64_t end, SizeOf(fd_.get(), name_));
    return WriteFully(fd_.get(), end, src, name_);
  }

  absl::Status Sync() override { return SyncDescriptor(fd_, name_); }

  absl::Status Truncate(uint64_t size) override {
    if (RetryOnInterrupt([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0) {
      return ErrnoStatus(errno, absl::StrCat(name_, ": truncate"));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Size() const override { return SizeOf(fd_.get(), name_); }

 private:
  const Descriptor fd_;
  const std::string name_;
};

class RealFileLock final : public FileLock {
 public:
  explicit RealFileLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  const Descriptor fd_;
};

}  // namespace

std::unique_ptr<File> MakeRealFile(Descriptor fd, std::string name) {
  return std::make_unique<RealFile>(std::move(fd), std::move(name));
}

absl::Status SyncDescriptor(const Descriptor& fd, const std::string& name) {
  if (::fsync(fd.get()) == 0) return absl::OkStatus();
  // Also for a full disk: what was written may have been dropped.
  return absl::DataLossError(ErrnoStatus(errno, absl::StrCat(name, ": fsync")).message());
}

absl::StatusOr<MappedFile> MapDescriptor(const Descriptor& fd, const std::string& name) {
  ASSIGN_OR_RETURN(const uint64_t size, SizeOf(fd.get(), name));
  if (size == 0) return MappedFile();
  void* const address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (address == MAP_FAILED) return ErrnoStatus(errno, absl::StrCat(name, ": mmap"));
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(address), size);
  return MappedFile(bytes, [address, size] { ::munmap(address, size); });
}

absl::StatusOr<std::unique_ptr<FileLock>> LockDescriptor(Descriptor fd, const std::string& name) {
  if (RetryOnInterrupt([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno == EWOULDBLOCK)
      return absl::FailedPreconditionError(absl::StrCat(name, ": locked by another process"));
    return ErrnoStatus(errno, absl::StrCat(name, ": flock"));
  }
  return std::make_unique<RealFileLock>(std::move(fd));
}

}  // namespace gradus::base
