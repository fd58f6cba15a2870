// SPDX-License-Identifier: Apache-2.0
// Counting, failing, passing on.
#include "tests/support/failing_files.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::test_support {
namespace {

class FailingFile final : public base::File {
 public:
  FailingFile(FailingFiles& owner, std::string path, std::unique_ptr<base::File> file)
      : owner_(owner), path_(std::move(path)), file_(std::move(file)) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<std::byte> dst) const override {
    RETURN_IF_ERROR(owner_.Pass(FileOp::kRead, path_));
    return file_->ReadAt(offset, dst);
  }
  absl::Status WriteAt(uint64_t offset, std::span<const std::byte> src) override {
    const absl::Status status = owner_.Pass(FileOp::kWrite, path_);
    RETURN_IF_ERROR(file_->WriteAt(offset, status.ok() ? src : src.first(src.size() / 2)));
    return status;
  }
  absl::Status Append(std::span<const std::byte> src) override {
    const absl::Status status = owner_.Pass(FileOp::kWrite, path_);
    RETURN_IF_ERROR(file_->Append(status.ok() ? src : src.first(src.size() / 2)));
    return status;
  }
  absl::Status Sync() override {
    if (sync_failed_) owner_.NoteRetriedSync();
    const absl::Status status = owner_.Pass(FileOp::kSync, path_);
    sync_failed_ = sync_failed_ || !status.ok();
    RETURN_IF_ERROR(status);
    return file_->Sync();
  }
  absl::Status Truncate(uint64_t size) override {
    RETURN_IF_ERROR(owner_.Pass(FileOp::kTruncate, path_));
    return file_->Truncate(size);
  }
  absl::StatusOr<uint64_t> Size() const override { return file_->Size(); }

 private:
  FailingFiles& owner_;
  const std::string path_;
  const std::unique_ptr<base::File> file_;
  bool sync_failed_ = false;
};

}  // namespace

void FailingFiles::FailNth(uint64_t n, std::span<const FileOp> ops, int error_number, Then then) {
  const base::MutexLock lock(mu_);
  chosen_.fill(false);
  for (const FileOp op : ops) chosen_[static_cast<size_t>(op)] = true;
  left_ = n;
  error_number_ = error_number;
  then_ = then;
  failed_ = false;
}

bool FailingFiles::failed() const {
  const base::MutexLock lock(mu_);
  return failed_;
}

uint64_t FailingFiles::count(FileOp op) const {
  const base::MutexLock lock(mu_);
  return counts_[static_cast<size_t>(op)];
}

uint64_t FailingFiles::retried_syncs() const {
  const base::MutexLock lock(mu_);
  return retried_syncs_;
}

void FailingFiles::NoteRetriedSync() {
  const base::MutexLock lock(mu_);
  ++retried_syncs_;
}

absl::Status FailingFiles::Pass(FileOp op, const std::string& path) {
  const base::MutexLock lock(mu_);
  const auto index = static_cast<size_t>(op);
  ++counts_[index];
  if (!chosen_[index]) return absl::OkStatus();
  const bool broken = failed_ && then_ == Then::kStaysBroken;
  const bool due = left_ > 0 && --left_ == 0;
  if (!broken && !due) return absl::OkStatus();
  failed_ = true;
  absl::Status fault = base::ErrnoStatus(error_number_, absl::StrCat(path, ": fault"));
  const bool is_sync = op == FileOp::kSync || op == FileOp::kSyncDir;
  return is_sync ? absl::DataLossError(fault.message()) : fault;
}

absl::StatusOr<std::unique_ptr<base::File>> FailingFiles::OpenRead(const std::string& path) {
  RETURN_IF_ERROR(Pass(FileOp::kOpen, path));
  ASSIGN_OR_RETURN(std::unique_ptr<base::File> file, base_.OpenRead(path));
  return std::make_unique<FailingFile>(*this, path, std::move(file));
}

absl::StatusOr<std::unique_ptr<base::File>> FailingFiles::OpenWrite(
    const std::string& path, const base::OpenOptions& options) {
  RETURN_IF_ERROR(Pass(options.create ? FileOp::kCreate : FileOp::kOpen, path));
  ASSIGN_OR_RETURN(std::unique_ptr<base::File> file, base_.OpenWrite(path, options));
  return std::make_unique<FailingFile>(*this, path, std::move(file));
}

absl::StatusOr<base::TemporaryFile> FailingFiles::CreateTemporary(const std::string& dir) {
  RETURN_IF_ERROR(Pass(FileOp::kCreate, dir));
  ASSIGN_OR_RETURN(base::TemporaryFile temporary, base_.CreateTemporary(dir));
  temporary.file = std::make_unique<FailingFile>(*this, temporary.path, std::move(temporary.file));
  return temporary;
}

absl::StatusOr<base::MappedFile> FailingFiles::Map(const std::string& path) {
  RETURN_IF_ERROR(Pass(FileOp::kOpen, path));
  return base_.Map(path);
}

absl::Status FailingFiles::Rename(const std::string& from, const std::string& to) {
  RETURN_IF_ERROR(Pass(FileOp::kRename, from));
  return base_.Rename(from, to);
}

absl::Status FailingFiles::SyncDir(const std::string& dir) {
  {
    const base::MutexLock lock(mu_);
    if (std::find(unsynced_dirs_.begin(), unsynced_dirs_.end(), dir) != unsynced_dirs_.end())
      ++retried_syncs_;
  }
  if (absl::Status status = Pass(FileOp::kSyncDir, dir); !status.ok()) {
    const base::MutexLock lock(mu_);
    unsynced_dirs_.push_back(dir);
    return status;
  }
  return base_.SyncDir(dir);
}

absl::Status FailingFiles::Remove(const std::string& path) {
  RETURN_IF_ERROR(Pass(FileOp::kRemove, path));
  return base_.Remove(path);
}

absl::StatusOr<std::vector<std::string>> FailingFiles::List(const std::string& dir) {
  return base_.List(dir);
}

absl::StatusOr<base::FileInfo> FailingFiles::Stat(const std::string& path) {
  return base_.Stat(path);
}

absl::Status FailingFiles::MakeDir(const std::string& dir, uint32_t mode) {
  RETURN_IF_ERROR(Pass(FileOp::kMakeDir, dir));
  return base_.MakeDir(dir, mode);
}

absl::StatusOr<std::unique_ptr<base::FileLock>> FailingFiles::Lock(const std::string& path) {
  return base_.Lock(path);
}

}  // namespace gradus::test_support
