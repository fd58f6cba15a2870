// SPDX-License-Identifier: Apache-2.0
#include "server/store/blob_files.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/file_ops.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"

namespace gradus::store {

BlobFiles::BlobFiles(Store* store_in, base::Files* files_in, base::Clock* clock_in,
                     std::string dir_in, std::string server_in)
    : store(store_in),
      files(files_in),
      clock(clock_in),
      dir(std::move(dir_in)),
      server(std::move(server_in)) {}

absl::Status BlobFiles::MakeFolders() {
  RETURN_IF_ERROR(base::MakeDirs(*files, DigestFolder()));
  RETURN_IF_ERROR(base::MakeDirs(*files, PartialFolder()));
  RETURN_IF_ERROR(base::MakeDirs(*files, NewFolder()));
  // A process that was killed may have made a folder whose name it did not sync; blobs in it would
  // go with the power.
  return files->SyncDir(DigestFolder());
}

std::shared_ptr<BlobFiles::Slot> BlobFiles::SlotOf(const std::string& sha256) {
  base::MutexLock lock(mu_);
  std::weak_ptr<Slot>& entry = slots_[sha256];
  std::shared_ptr<Slot> slot = entry.lock();
  if (slot == nullptr) {
    slot = std::make_shared<Slot>();
    entry = slot;
    std::erase_if(slots_, [](const auto& other) { return other.second.expired(); });
  }
  return slot;
}

std::string BlobFiles::DigestFolder() const { return base::JoinPath(dir, "sha256"); }
std::string BlobFiles::PartialFolder() const {
  return base::JoinPath(dir, server.empty() ? "partial" : absl::StrCat("partial-", server));
}
std::string BlobFiles::NewFolder() const { return base::JoinPath(dir, "new"); }

std::string BlobFiles::PathOf(const std::string& sha256) const {
  return absl::StrCat(DigestFolder(), "/", sha256.substr(0, 2), "/", sha256.substr(2));
}

std::string BlobFiles::PartialOf(const std::string& sha256) const {
  return base::JoinPath(PartialFolder(), sha256);
}

absl::StatusOr<bool> BlobFiles::Stored(const v1::BlobRef& ref) {
  bool row = false;
  RETURN_IF_ERROR(store->Read([&](ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(auto found, tx.QueryOne<int64_t>("SELECT size FROM blobs WHERE sha256 = :sha",
                                                      ref.sha256()));
    row = found.has_value() && std::get<0>(*found) == ref.size();
    return absl::OkStatus();
  }));
  if (!row) return false;
  const absl::StatusOr<base::FileInfo> info = files->Stat(PathOf(ref.sha256()));
  if (absl::IsNotFound(info.status())) return false;
  RETURN_IF_ERROR(info.status());
  return static_cast<int64_t>(info->size) == ref.size();
}

absl::Status BlobFiles::Synced(const absl::Status& status) {
  if (!status.ok()) store->Poison(status);
  return status;
}

absl::Status BlobFiles::MakeDigestFolder(const std::string& folder) {
  ASSIGN_OR_RETURN(const bool exists, files->Exists(folder));
  if (exists) return absl::OkStatus();
  RETURN_IF_ERROR(files->MakeDir(folder));
  return Synced(files->SyncDir(DigestFolder()));
}

absl::Status BlobFiles::Publish(Slot& slot, base::File& file, const std::string& path,
                                const v1::BlobRef& ref, const CommitGuard& guard) {
  slot.mu.AssertHeld();
  RETURN_IF_ERROR(store->fault());
  const std::string target = PathOf(ref.sha256());
  const std::string folder = base::ParentOf(target);
  FAILPOINT("blobs.publish.before_sync");
  const absl::Status content = file.Sync();
  // Whoever goes on with the upload would take what is in memory alone for what is on the disk.
  if (!content.ok()) files->Remove(path).IgnoreError();
  RETURN_IF_ERROR(Synced(content));
  absl::Status named = MakeDigestFolder(folder);
  FAILPOINT("blobs.publish.before_rename");
  if (named.ok()) named = files->Rename(path, target);
  FAILPOINT("blobs.publish.after_rename");
  if (named.ok()) named = Synced(files->SyncDir(folder));
  // After failed IO the names on the disk are unknown; a full disk has changed none.
  if (absl::IsDataLoss(named)) store->Poison(named);
  RETURN_IF_ERROR(named);
  FAILPOINT("blobs.publish.before_row");
  RETURN_IF_ERROR(WriteRow(ref, guard));
  FAILPOINT("blobs.publish.after_row");
  return absl::OkStatus();
}

absl::Status BlobFiles::WriteRow(const v1::BlobRef& ref, const CommitGuard& guard) {
  return store->Write([&](Tx& tx) -> absl::Status {
    if (guard) RETURN_IF_ERROR(guard(tx));
    RETURN_IF_ERROR(tx.Execute(
        "INSERT INTO blobs (sha256, size, stored_at, marked_at) VALUES (:sha, :size, :now, NULL)"
        " ON CONFLICT (sha256) DO UPDATE SET stored_at = excluded.stored_at, marked_at = NULL",
        ref.sha256(), ref.size(), clock->NowMicros()));
    // The locks of slots are this process's; among several the transaction decides, see RemoveFile
    // in collector.cc.
    if (!store->shared()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const bool there, files->Exists(PathOf(ref.sha256())));
    if (there) return absl::OkStatus();
    return absl::AbortedError(absl::StrCat("blob ", ref.sha256(), " was removed: upload it again"));
  });
}

absl::Status CheckRef(const v1::BlobRef& ref) {
  const absl::StatusOr<base::Sha256Digest> digest = base::ParseSha256(ref.sha256());
  if (!digest.ok()) return base::InField(digest.status(), "ref.sha256");
  if (ref.size() < 0) {
    return base::InvalidArgument("ref.size", absl::StrCat(ref.size()), "a number of bytes");
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::BlobRef> DescribeFile(const base::File& file) {
  constexpr size_t kPiece = 256 * 1024;
  std::vector<std::byte> buffer(kPiece);
  base::Sha256 hash;
  uint64_t size = 0;
  while (true) {
    ASSIGN_OR_RETURN(const size_t count, file.ReadAt(size, buffer));
    hash.Update(std::span<const std::byte>(buffer).first(count));
    size += count;
    if (count < buffer.size()) break;
  }
  v1::BlobRef ref;
  ref.set_sha256(base::ToHex(hash.Finish()));
  ref.set_size(static_cast<int64_t>(size));
  return ref;
}

}  // namespace gradus::store
