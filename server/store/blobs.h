// SPDX-License-Identifier: Apache-2.0
// The content-addressed files of the server: blobs/sha256/ab/cdef..., whole and verified or not
// there at all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/base/files.h"
#include "gradus/v1/data.pb.h"
#include "server/store/store.h"

namespace gradus::store {

// References of this kind are those of a blob (OWNER, its digest) to others that it needs; they go
// with it.
inline constexpr char kPartRef[] = "part";
// Keeps the weights that an unfinished job works on (OWNER), whatever becomes of their model.
inline constexpr char kSourceRef[] = "source";
inline constexpr int64_t kBlobGraceMicros = int64_t{24} * 3600 * 1'000'000;

// Fails a blob's commit or lets it pass, inside its transaction: a worker's fence goes here.
using CommitGuard = std::function<absl::Status(ReadTx&)>;

// Receives one blob's bytes. At most one live writer a digest: a newer one takes over, and the
// older one's calls are ABORTED.
//   Threads  one at a time.
//   Errors   RESOURCE_EXHAUSTED for a full disk: the bytes so far stay for a later writer.
//            DATA_LOSS for failed IO. Where a sync failed, for whatever reason, or a rename, the
//            store is poisoned (Store::Poison).
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  // Bytes received so far, including those of earlier writers.
  virtual int64_t committed() const = 0;
  // OUT_OF_RANGE when there would be more bytes than the blob has.
  virtual absl::Status Append(std::span<const std::byte> bytes) = 0;
  // Once all bytes are there: verify, sync, rename, sync the folder, write the row. DATA_LOSS when
  // the digest is another one: the bytes are dropped then.
  virtual absl::Status Commit() = 0;
};

struct CollectReport {
  int64_t marked = 0;
  int64_t removed = 0;
  int64_t removed_bytes = 0;
  int64_t partials_removed = 0;
};

// Blobs live as long as a row of blob_refs names them, and then a day; whoever needs one adds its
// reference in the transaction that says so.
//   Owns     DIR and all below it. The store, files and clock must outlive it.
//   Threads  any.
class BlobStore {
 public:
  // `server`: a word of its own for each of several servers on DIR, whose unfinished uploads lie
  // apart.
  static absl::StatusOr<std::unique_ptr<BlobStore>> Open(Store* store, base::Files* files,
                                                         base::Clock* clock, const std::string& dir,
                                                         const std::string& server = "");
  virtual ~BlobStore() = default;

  // Begins or goes on with an upload. INVALID_ARGUMENT for a malformed ref. `committed()` equals
  // ref.size() when the blob is stored already: Commit then only runs the guard.
  virtual absl::StatusOr<std::unique_ptr<BlobWriter>> Write(const v1::BlobRef& ref,
                                                            CommitGuard guard = nullptr) = 0;

  // An empty temporary file inside the store's folder, to be filled by whoever computes content
  // whose digest is not known yet; removed after a day.
  virtual absl::StatusOr<base::TemporaryFile> NewFile() = 0;
  // Turns such a file (written, not necessarily synced) into a blob; it is gone afterwards,
  // whatever happens.
  virtual absl::StatusOr<v1::BlobRef> Adopt(base::TemporaryFile file,
                                            CommitGuard guard = nullptr) = 0;
  // A blob from memory.
  virtual absl::StatusOr<v1::BlobRef> Put(std::span<const std::byte> bytes,
                                          CommitGuard guard = nullptr) = 0;

  // Whether it is stored, with this size.
  virtual absl::StatusOr<bool> Has(const v1::BlobRef& ref) = 0;
  // The whole blob, mapped, its digest checked now. NOT_FOUND, or DATA_LOSS when the bytes are not
  // those of the digest.
  virtual absl::StatusOr<base::MappedFile> Map(const v1::BlobRef& ref) = 0;
  // Where the bytes lie (the file need not exist).
  virtual std::string PathOf(const std::string& sha256) const = 0;
  // DIR: the sha256/ folder's parent.
  virtual const std::string& dir() const = 0;

  // References, inside the caller's transaction. KIND is one word a table ("checkpoint", "weights",
  // "source", "dataset", "model", kPartRef), OWNER its row's key. FAILED_PRECONDITION when the blob
  // is not stored: store blobs first, rows last. Adding one twice is OK.
  static absl::Status AddRef(Tx& tx, const v1::BlobRef& ref, const std::string& kind,
                             const std::string& owner);
  // OK when there was none.
  static absl::Status DropRef(Tx& tx, const std::string& sha256, const std::string& kind,
                              const std::string& owner);
  static absl::Status DropRefs(Tx& tx, const std::string& kind, const std::string& owner);

  // One pass of collection, in two phases: unreferenced blobs are marked; those marked longer than
  // the grace and still unreferenced are removed; so are abandoned uploads older than it. Run it
  // from one thread, about hourly.
  virtual absl::StatusOr<CollectReport> Collect(int64_t grace_micros = kBlobGraceMicros) = 0;
};

}  // namespace gradus::store
