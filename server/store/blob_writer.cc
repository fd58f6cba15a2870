// SPDX-License-Identifier: Apache-2.0
// One resumable upload of a blob whose digest is known beforehand.
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "server/store/blob_files.h"

namespace gradus::store {
namespace {

// A blob that is stored already: nothing to write, only the guard to ask.
class StoredBlob final : public BlobWriter {
 public:
  StoredBlob(BlobFiles& blob_files, v1::BlobRef ref, CommitGuard guard)
      : blob_files_(blob_files), ref_(std::move(ref)), guard_(std::move(guard)) {}

  int64_t committed() const override { return ref_.size(); }

  absl::Status Append(std::span<const std::byte> bytes) override {
    if (bytes.empty()) return absl::OkStatus();
    return absl::OutOfRangeError(absl::StrCat("blob ", ref_.sha256(), " is stored already"));
  }

  absl::Status Commit() override {
    const std::shared_ptr<BlobFiles::Slot> slot = blob_files_.SlotOf(ref_.sha256());
    base::MutexLock lock(slot->mu);
    // Collection may have come between.
    ASSIGN_OR_RETURN(const bool stored, blob_files_.Stored(ref_));
    if (!stored)
      return absl::AbortedError(
          absl::StrCat("blob ", ref_.sha256(), " was removed: upload it again"));
    return blob_files_.WriteRow(ref_, guard_);
  }

 private:
  BlobFiles& blob_files_;
  const v1::BlobRef ref_;
  const CommitGuard guard_;
};

class PartialBlob final : public BlobWriter {
 public:
  PartialBlob(BlobFiles& blob_files, v1::BlobRef ref, CommitGuard guard)
      : blob_files_(blob_files),
        ref_(std::move(ref)),
        guard_(std::move(guard)),
        path_(blob_files.PartialOf(ref_.sha256())),
        slot_(blob_files.SlotOf(ref_.sha256())) {}

  // Takes the upload over from whoever wrote before, and reads what there is.
  absl::Status Begin() {
    base::MutexLock lock(slot_->mu);
    id_ = ++slot_->writer;
    ASSIGN_OR_RETURN(file_, blob_files_.files->OpenWrite(path_, {.create = true}));
    ASSIGN_OR_RETURN(const uint64_t size, file_->Size());
    if (static_cast<int64_t>(size) > ref_.size()) return file_->Truncate(0);
    return HashUpTo(static_cast<int64_t>(size));
  }

  int64_t committed() const override { return committed_; }

  absl::Status Append(std::span<const std::byte> bytes) override {
    base::MutexLock lock(slot_->mu);
    RETURN_IF_ERROR(CheckTurn());
    if (static_cast<int64_t>(bytes.size()) > ref_.size() - committed_) {
      return absl::OutOfRangeError(absl::StrCat("blob ", ref_.sha256(), " has ", ref_.size(),
                                                " bytes; ", committed_, " are there and ",
                                                bytes.size(), " more came"));
    }
    RETURN_IF_ERROR(file_->WriteAt(static_cast<uint64_t>(committed_), bytes));
    hash_.Update(bytes);
    committed_ += static_cast<int64_t>(bytes.size());
    FAILPOINT("blobs.upload.after_append");
    return absl::OkStatus();
  }

  absl::Status Commit() override {
    base::MutexLock lock(slot_->mu);
    RETURN_IF_ERROR(CheckTurn());
    if (committed_ != ref_.size()) {
      return absl::FailedPreconditionError(
          absl::StrCat("blob ", ref_.sha256(), " has ", committed_, " of ", ref_.size(), " bytes"));
    }
    ++slot_->writer;  // whatever happens now, this upload is over
    const std::string digest = base::ToHex(hash_.Finish());
    if (digest != ref_.sha256()) {
      RETURN_IF_ERROR(blob_files_.files->Remove(path_));
      return absl::DataLossError(
          absl::StrCat("the uploaded bytes have the digest ", digest, ", not ", ref_.sha256()));
    }
    return blob_files_.Publish(*slot_, *file_, path_, ref_, guard_);
  }

 private:
  absl::Status CheckTurn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(slot_->mu) {
    if (slot_->writer == id_) return absl::OkStatus();
    return absl::AbortedError(
        absl::StrCat("another upload of blob ", ref_.sha256(), " has taken over"));
  }

  absl::Status HashUpTo(int64_t size) {
    std::vector<std::byte> buffer(256 * 1024);
    while (committed_ < size) {
      ASSIGN_OR_RETURN(const size_t count,
                       file_->ReadAt(static_cast<uint64_t>(committed_), buffer));
      if (count == 0) break;
      hash_.Update(std::span<const std::byte>(buffer).first(count));
      committed_ += static_cast<int64_t>(count);
    }
    return absl::OkStatus();
  }

  BlobFiles& blob_files_;
  const v1::BlobRef ref_;
  const CommitGuard guard_;
  const std::string path_;
  const std::shared_ptr<BlobFiles::Slot> slot_;
  uint64_t id_ = 0;
  std::unique_ptr<base::File> file_;
  base::Sha256 hash_;
  int64_t committed_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BlobWriter>> OpenBlobWriter(BlobFiles& blob_files,
                                                           const v1::BlobRef& ref,
                                                           CommitGuard guard) {
  RETURN_IF_ERROR(CheckRef(ref));
  ASSIGN_OR_RETURN(const bool stored, blob_files.Stored(ref));
  if (stored) return std::make_unique<StoredBlob>(blob_files, ref, std::move(guard));
  auto writer = std::make_unique<PartialBlob>(blob_files, ref, std::move(guard));
  RETURN_IF_ERROR(writer->Begin());
  return writer;
}

}  // namespace gradus::store
