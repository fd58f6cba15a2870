// SPDX-License-Identifier: Apache-2.0
// The order of writes, syncs and renames that survives a power cut.
#include "engine/trainer/stored_file.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/file_ops.h"
#include "engine/base/status.h"

namespace gradus::trainer {
namespace {

absl::Status MayPass(const absl::Status& status) {
  if (status.ok()) return status;
  return absl::UnavailableError(
      absl::StrCat("cannot write to the work folder: ", status.message()));
}

}  // namespace

absl::StatusOr<StoredFileWriter> StoredFileWriter::Create(base::Files& files,
                                                          const std::string& dir) {
  absl::StatusOr<base::TemporaryFile> temporary = files.CreateTemporary(dir);
  if (!temporary.ok()) return MayPass(temporary.status());
  return StoredFileWriter(files, dir, *std::move(temporary));
}

StoredFileWriter::StoredFileWriter(base::Files& files, std::string dir,
                                   base::TemporaryFile temporary)
    : files_(&files),
      dir_(std::move(dir)),
      temporary_path_(std::move(temporary.path)),
      file_(std::move(temporary.file)) {}

StoredFileWriter::~StoredFileWriter() {
  if (file_ == nullptr) return;
  file_.reset();
  files_->Remove(temporary_path_).IgnoreError();  // a leftover is only untidy
}

absl::Status StoredFileWriter::Append(std::span<const std::byte> bytes) {
  RETURN_IF_ERROR(MayPass(file_->Append(bytes)));
  hash_.Update(bytes);
  size_ += static_cast<int64_t>(bytes.size());
  return absl::OkStatus();
}

absl::StatusOr<StoredFile> StoredFileWriter::Commit(const std::string& name) {
  StoredFile stored{base::JoinPath(dir_, name), base::ToHex(hash_.Finish()), size_};
  FAILPOINT_STATUS("trainer.stored_file.before_sync");
  RETURN_IF_ERROR(MayPass(file_->Sync()));
  FAILPOINT_STATUS("trainer.stored_file.before_rename");
  RETURN_IF_ERROR(MayPass(files_->Rename(temporary_path_, stored.path)));
  file_.reset();
  RETURN_IF_ERROR(MayPass(files_->SyncDir(dir_)));
  return stored;
}

}  // namespace gradus::trainer
