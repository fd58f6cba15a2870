// SPDX-License-Identifier: Apache-2.0
#include "server/watched_files.h"

#include <utility>

#include "engine/base/status.h"

namespace gradus::server {
namespace {

absl::Status Watched(absl::Status status, const WatchedFiles::OnFault& on_fault) {
  if (absl::IsDataLoss(status)) on_fault(status);
  return status;
}

class WatchedFile final : public base::File {
 public:
  WatchedFile(std::unique_ptr<base::File> file, const WatchedFiles::OnFault& on_fault)
      : file_(std::move(file)), on_fault_(on_fault) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<std::byte> dst) const override {
    return file_->ReadAt(offset, dst);
  }
  absl::Status WriteAt(uint64_t offset, std::span<const std::byte> src) override {
    return Watched(file_->WriteAt(offset, src), on_fault_);
  }
  absl::Status Append(std::span<const std::byte> src) override {
    return Watched(file_->Append(src), on_fault_);
  }
  absl::Status Sync() override { return Watched(file_->Sync(), on_fault_); }
  absl::Status Truncate(uint64_t size) override {
    return Watched(file_->Truncate(size), on_fault_);
  }
  absl::StatusOr<uint64_t> Size() const override { return file_->Size(); }

 private:
  const std::unique_ptr<base::File> file_;
  const WatchedFiles::OnFault on_fault_;
};

}  // namespace

WatchedFiles::WatchedFiles(base::Files& base, OnFault on_fault)
    : base_(base), on_fault_(std::move(on_fault)) {}

absl::StatusOr<std::unique_ptr<base::File>> WatchedFiles::OpenRead(const std::string& path) {
  return base_.OpenRead(path);
}

absl::StatusOr<std::unique_ptr<base::File>> WatchedFiles::OpenWrite(
    const std::string& path, const base::OpenOptions& options) {
  absl::StatusOr<std::unique_ptr<base::File>> file = base_.OpenWrite(path, options);
  RETURN_IF_ERROR(Watched(file.status(), on_fault_));
  return std::make_unique<WatchedFile>(*std::move(file), on_fault_);
}

absl::StatusOr<base::TemporaryFile> WatchedFiles::CreateTemporary(const std::string& dir) {
  absl::StatusOr<base::TemporaryFile> temporary = base_.CreateTemporary(dir);
  RETURN_IF_ERROR(Watched(temporary.status(), on_fault_));
  temporary->file = std::make_unique<WatchedFile>(std::move(temporary->file), on_fault_);
  return temporary;
}

absl::StatusOr<base::MappedFile> WatchedFiles::Map(const std::string& path) {
  return base_.Map(path);
}

absl::Status WatchedFiles::Rename(const std::string& from, const std::string& to) {
  return Watched(base_.Rename(from, to), on_fault_);
}

absl::Status WatchedFiles::SyncDir(const std::string& dir) {
  return Watched(base_.SyncDir(dir), on_fault_);
}

absl::Status WatchedFiles::Remove(const std::string& path) {
  return Watched(base_.Remove(path), on_fault_);
}

absl::StatusOr<std::vector<std::string>> WatchedFiles::List(const std::string& dir) {
  return base_.List(dir);
}

absl::StatusOr<base::FileInfo> WatchedFiles::Stat(const std::string& path) {
  return base_.Stat(path);
}

absl::Status WatchedFiles::MakeDir(const std::string& dir, uint32_t mode) {
  return Watched(base_.MakeDir(dir, mode), on_fault_);
}

absl::StatusOr<std::unique_ptr<base::FileLock>> WatchedFiles::Lock(const std::string& path) {
  return base_.Lock(path);
}

}  // namespace gradus::server
