// SPDX-License-Identifier: Apache-2.0
// Removes blobs that nobody has named for a day, in two phases, and uploads that nobody went on
// with.
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/file_ops.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "server/store/blob_files.h"

namespace gradus::store {
namespace {

constexpr char kUnreferenced[] =
    "NOT EXISTS (SELECT 1 FROM blob_refs r WHERE r.sha256 = blobs.sha256)";
// Rows handled in one transaction, so that nobody waits long behind a collection.
constexpr int64_t kBatch = 200;

absl::StatusOr<int64_t> Mark(BlobFiles& blobs) {
  int64_t marked = 0;
  while (true) {
    int64_t batch = 0;
    RETURN_IF_ERROR(blobs.store->Write([&](Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(
          batch, tx.Update(absl::StrCat("UPDATE blobs SET marked_at = :now WHERE sha256 IN"
                                        " (SELECT sha256 FROM blobs WHERE marked_at IS NULL AND ",
                                        kUnreferenced, " LIMIT :n)"),
                           blobs.clock->NowMicros(), kBatch));
      return absl::OkStatus();
    }));
    marked += batch;
    if (batch < kBatch) return marked;
  }
}

// A file without a row. Another server may just be writing one: whoever comes second in the order
// of transactions sees what the first did.
absl::Status RemoveFile(BlobFiles& blobs, const std::string& sha256) {
  const auto remove = [&]() -> absl::Status {
    const absl::Status removed = blobs.files->Remove(blobs.PathOf(sha256));
    return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
  };
  if (!blobs.store->shared()) return remove();
  return blobs.store->Write([&](Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(auto row,
                     tx.QueryOne<int64_t>("SELECT size FROM blobs WHERE sha256 = :sha", sha256));
    return row.has_value() ? absl::OkStatus() : remove();
  });
}

// The row goes first: a file without a row is found again, a row without a file would be a lie.
absl::StatusOr<bool> RemoveBlob(BlobFiles& blobs, const std::string& sha256,
                                int64_t marked_before) {
  const std::shared_ptr<BlobFiles::Slot> slot = blobs.SlotOf(sha256);
  base::MutexLock lock(slot->mu);
  int64_t rows = 0;
  RETURN_IF_ERROR(blobs.store->Write([&](Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(
        rows,
        tx.Update(absl::StrCat("DELETE FROM blobs WHERE sha256 = :sha AND marked_at IS NOT NULL"
                               " AND marked_at <= :t AND ",
                               kUnreferenced),
                  sha256, marked_before));
    return rows == 0 ? absl::OkStatus() : BlobStore::DropRefs(tx, kPartRef, sha256);
  }));
  if (rows == 0) return false;
  FAILPOINT("blobs.collect.after_row");
  RETURN_IF_ERROR(RemoveFile(blobs, sha256));
  FAILPOINT("blobs.collect.after_remove");
  return true;
}

absl::Status Sweep(BlobFiles& blobs, int64_t marked_before, CollectReport& report) {
  std::vector<std::tuple<std::string, int64_t>> old;
  RETURN_IF_ERROR(blobs.store->Read([&](ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(old,
                     (tx.Query<std::string, int64_t>(
                         absl::StrCat("SELECT sha256, size FROM blobs WHERE marked_at IS NOT NULL"
                                      " AND marked_at <= :t AND ",
                                      kUnreferenced, " ORDER BY marked_at LIMIT 10000"),
                         marked_before)));
    return absl::OkStatus();
  }));
  for (const auto& [sha256, size] : old) {
    ASSIGN_OR_RETURN(const bool removed, RemoveBlob(blobs, sha256, marked_before));
    if (!removed) continue;
    ++report.removed;
    report.removed_bytes += size;
  }
  return absl::OkStatus();
}

// A crash between rename and row, or between row and removal, leaves a file that no row knows.
absl::Status RemoveStray(BlobFiles& blobs, const std::string& sha256, int64_t changed_before) {
  const std::shared_ptr<BlobFiles::Slot> slot = blobs.SlotOf(sha256);
  base::MutexLock lock(slot->mu);
  int64_t rows = 0;
  RETURN_IF_ERROR(blobs.store->Read([&](ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(
        auto row, tx.QueryOne<int64_t>("SELECT COUNT(*) FROM blobs WHERE sha256 = :sha", sha256));
    rows = row.has_value() ? std::get<0>(*row) : 0;
    return absl::OkStatus();
  }));
  if (rows > 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const base::FileInfo info, blobs.files->Stat(blobs.PathOf(sha256)));
  if (info.modified_micros > changed_before) return absl::OkStatus();
  return RemoveFile(blobs, sha256);
}

absl::StatusOr<std::set<std::string>> KnownDigests(BlobFiles& blobs, const std::string& prefix) {
  std::set<std::string> known;
  RETURN_IF_ERROR(blobs.store->Read([&](ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(
        auto rows,
        tx.Query<std::string>("SELECT sha256 FROM blobs WHERE sha256 >= :from AND sha256 < :to",
                              prefix, absl::StrCat(prefix, "g")));
    for (auto& [sha256] : rows) known.insert(std::move(sha256));
    return absl::OkStatus();
  }));
  return known;
}

absl::Status SweepStrays(BlobFiles& blobs, int64_t changed_before) {
  ASSIGN_OR_RETURN(const std::vector<std::string> prefixes,
                   blobs.files->List(blobs.DigestFolder()));
  for (const std::string& prefix : prefixes) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names,
                     blobs.files->List(base::JoinPath(blobs.DigestFolder(), prefix)));
    ASSIGN_OR_RETURN(const std::set<std::string> known, KnownDigests(blobs, prefix));
    for (const std::string& name : names) {
      const std::string sha256 = prefix + name;
      if (known.contains(sha256) || !base::ParseSha256(sha256).ok()) continue;
      const absl::Status removed = RemoveStray(blobs, sha256, changed_before);
      if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
    }
  }
  return absl::OkStatus();
}

absl::Status SweepFolder(BlobFiles& blobs, const std::string& folder, int64_t changed_before,
                         int64_t& count) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, blobs.files->List(folder));
  for (const std::string& name : names) {
    const std::string path = base::JoinPath(folder, name);
    const absl::StatusOr<base::FileInfo> info = blobs.files->Stat(path);
    if (absl::IsNotFound(info.status())) continue;  // just became a blob
    RETURN_IF_ERROR(info.status());
    if (info->modified_micros > changed_before) continue;
    const absl::Status removed = blobs.files->Remove(path);
    if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
    ++count;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CollectReport> CollectBlobs(BlobFiles& blobs, int64_t grace_micros) {
  CollectReport report;
  const int64_t before = blobs.clock->NowMicros() - grace_micros;
  // What was marked by earlier passes is swept before this one marks.
  RETURN_IF_ERROR(Sweep(blobs, before, report));
  FAILPOINT("blobs.collect.before_mark");
  ASSIGN_OR_RETURN(report.marked, Mark(blobs));
  FAILPOINT("blobs.collect.after_mark");
  RETURN_IF_ERROR(SweepStrays(blobs, before));
  RETURN_IF_ERROR(SweepFolder(blobs, blobs.PartialFolder(), before, report.partials_removed));
  RETURN_IF_ERROR(SweepFolder(blobs, blobs.NewFolder(), before, report.partials_removed));
  return report;
}

}  // namespace gradus::store
