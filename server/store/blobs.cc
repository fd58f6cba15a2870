// SPDX-License-Identifier: Apache-2.0
#include "server/store/blobs.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "server/store/blob_files.h"

namespace gradus::store {
namespace {

class FolderBlobStore final : public BlobStore {
 public:
  FolderBlobStore(Store* store, base::Files* files, base::Clock* clock, const std::string& dir,
                  const std::string& server)
      : files_(store, files, clock, dir, server) {}

  absl::Status MakeFolders() { return files_.MakeFolders(); }

  absl::StatusOr<std::unique_ptr<BlobWriter>> Write(const v1::BlobRef& ref,
                                                    CommitGuard guard) override {
    return OpenBlobWriter(files_, ref, std::move(guard));
  }

  absl::StatusOr<base::TemporaryFile> NewFile() override {
    return files_.files->CreateTemporary(files_.NewFolder());
  }

  absl::StatusOr<v1::BlobRef> Adopt(base::TemporaryFile file, CommitGuard guard) override {
    absl::StatusOr<v1::BlobRef> ref = AdoptOpen(file, guard);
    // Gone when it was renamed; else nobody else would remove it before tomorrow.
    if (!ref.ok()) files_.files->Remove(file.path).IgnoreError();
    return ref;
  }

  absl::StatusOr<v1::BlobRef> Put(std::span<const std::byte> bytes, CommitGuard guard) override {
    ASSIGN_OR_RETURN(base::TemporaryFile file, NewFile());
    const absl::Status written = file.file->Append(bytes);
    if (!written.ok()) {
      files_.files->Remove(file.path).IgnoreError();
      return written;
    }
    return Adopt(std::move(file), std::move(guard));
  }

  absl::StatusOr<bool> Has(const v1::BlobRef& ref) override {
    RETURN_IF_ERROR(CheckRef(ref));
    return files_.Stored(ref);
  }

  absl::StatusOr<base::MappedFile> Map(const v1::BlobRef& ref) override {
    RETURN_IF_ERROR(CheckRef(ref));
    absl::StatusOr<base::MappedFile> mapped = files_.files->Map(PathOf(ref.sha256()));
    if (absl::IsNotFound(mapped.status())) {
      return absl::NotFoundError(absl::StrCat("there is no blob ", ref.sha256()));
    }
    RETURN_IF_ERROR(mapped.status());
    const bool same_size = static_cast<int64_t>(mapped->size()) == ref.size();
    if (!same_size || base::Sha256Hex(mapped->bytes()) != ref.sha256()) {
      return absl::DataLossError(absl::StrCat(
          "blob ", ref.sha256(), " is damaged: its bytes are not those of its digest"));
    }
    return mapped;
  }

  std::string PathOf(const std::string& sha256) const override { return files_.PathOf(sha256); }
  const std::string& dir() const override { return files_.dir; }

  absl::StatusOr<CollectReport> Collect(int64_t grace_micros) override {
    return CollectBlobs(files_, grace_micros);
  }

 private:
  absl::StatusOr<v1::BlobRef> AdoptOpen(base::TemporaryFile& file, const CommitGuard& guard) {
    ASSIGN_OR_RETURN(v1::BlobRef ref, DescribeFile(*file.file));
    const std::shared_ptr<BlobFiles::Slot> slot = files_.SlotOf(ref.sha256());
    base::MutexLock lock(slot->mu);
    RETURN_IF_ERROR(files_.Publish(*slot, *file.file, file.path, ref, guard));
    return ref;
  }

  BlobFiles files_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BlobStore>> BlobStore::Open(Store* store, base::Files* files,
                                                           base::Clock* clock,
                                                           const std::string& dir,
                                                           const std::string& server) {
  auto blobs = std::make_unique<FolderBlobStore>(store, files, clock, dir, server);
  RETURN_IF_ERROR(blobs->MakeFolders());
  return blobs;
}

absl::Status BlobStore::AddRef(Tx& tx, const v1::BlobRef& ref, const std::string& kind,
                               const std::string& owner) {
  ASSIGN_OR_RETURN(
      const int64_t stored,
      tx.Update("UPDATE blobs SET marked_at = NULL WHERE sha256 = :sha AND size = :size",
                ref.sha256(), ref.size()));
  if (stored == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("blob ", ref.sha256(), " of ", ref.size(), " bytes is not stored"));
  }
  return tx.Execute(
      "INSERT INTO blob_refs (sha256, kind, owner) VALUES (:sha, :kind, :owner)"
      " ON CONFLICT (sha256, kind, owner) DO NOTHING",
      ref.sha256(), kind, owner);
}

absl::Status BlobStore::DropRef(Tx& tx, const std::string& sha256, const std::string& kind,
                                const std::string& owner) {
  return tx.Execute("DELETE FROM blob_refs WHERE sha256 = :sha AND kind = :kind AND owner = :owner",
                    sha256, kind, owner);
}

absl::Status BlobStore::DropRefs(Tx& tx, const std::string& kind, const std::string& owner) {
  return tx.Execute("DELETE FROM blob_refs WHERE kind = :kind AND owner = :owner", kind, owner);
}

}  // namespace gradus::store
