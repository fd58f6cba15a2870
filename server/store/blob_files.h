// SPDX-License-Identifier: Apache-2.0
// What the parts of the blob store share: where files lie, and the one way in which a file becomes
// a blob.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "server/store/blobs.h"

namespace gradus::store {

// Uploads whose digest is known grow under partial/DIGEST, or partial-SERVER/DIGEST; others under
// new/.
//   Owns     DIR/sha256, DIR/partial, DIR/new.
//   Threads  any.
class BlobFiles {
 public:
  // What is done to one digest's files is done under its lock, disk work included: two uploads of
  // it, or an upload and its collection, take turns.
  struct Slot {
    base::Mutex mu;
    uint64_t writer ABSL_GUARDED_BY(mu) = 0;  // the upload that may write
  };

  // `server`: as in BlobStore::Open.
  BlobFiles(Store* store, base::Files* files, base::Clock* clock, std::string dir,
            std::string server);

  absl::Status MakeFolders();

  std::shared_ptr<Slot> SlotOf(const std::string& sha256);
  std::string PathOf(const std::string& sha256) const;
  std::string PartialOf(const std::string& sha256) const;
  std::string NewFolder() const;
  std::string PartialFolder() const;
  std::string DigestFolder() const;

  // Whether the row and the file are there, both of this size.
  absl::StatusOr<bool> Stored(const v1::BlobRef& ref);

  // `path` holds exactly the bytes of `ref`, `file` is open on it: sync, rename, sync the folder,
  // write the row.
  absl::Status Publish(Slot& slot, base::File& file, const std::string& path,
                       const v1::BlobRef& ref, const CommitGuard& guard)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(slot.mu);

  // The row alone, for a blob whose file is there: it is fresh again for the collection. ABORTED
  // where another server's collection has taken the file meanwhile.
  absl::Status WriteRow(const v1::BlobRef& ref, const CommitGuard& guard);

  Store* const store;
  base::Files* const files;
  base::Clock* const clock;
  const std::string dir;
  const std::string server;

 private:
  // Passes on how a sync went: one that failed ends the store, since a second would not tell.
  absl::Status Synced(const absl::Status& status);
  // Makes a folder of DIR/sha256 where it is missing.
  absl::Status MakeDigestFolder(const std::string& folder);

  base::Mutex mu_;
  std::map<std::string, std::weak_ptr<Slot>> slots_ ABSL_GUARDED_BY(mu_);
};

// INVALID_ARGUMENT unless the digest is 64 lower-case hexadecimal digits and the size is not
// negative.
absl::Status CheckRef(const v1::BlobRef& ref);

// Digest and size of an open file's bytes.
absl::StatusOr<v1::BlobRef> DescribeFile(const base::File& file);

// See BlobStore::Write and BlobStore::Collect. `blob_files` must outlive the writer.
absl::StatusOr<std::unique_ptr<BlobWriter>> OpenBlobWriter(BlobFiles& blob_files,
                                                           const v1::BlobRef& ref,
                                                           CommitGuard guard);
absl::StatusOr<CollectReport> CollectBlobs(BlobFiles& blob_files, int64_t grace_micros);

}  // namespace gradus::store
