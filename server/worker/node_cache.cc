// SPDX-License-Identifier: Apache-2.0
// Locks are files that are never removed: one that is, while others wait for it, would let in two.
#include "server/worker/node_cache.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "engine/base/failpoint.h"
#include "engine/base/file_ops.h"
#include "engine/base/log.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "server/worker/blob_folder.h"
#include "server/worker/held_file.h"
#include "server/worker/private_folder.h"

namespace gradus::worker {
namespace {

constexpr int64_t kPauseMicros = 50'000;
// Time without a byte more after which another rank's fetch is waited for no longer: it may be
// frozen, or its server away.
constexpr int64_t kFetchPatienceMicros = 10'000'000;
// Room is made within milliseconds.
constexpr int64_t kRoomPatienceMicros = 2'000'000;
constexpr char kPartSuffix[] = ".part";  // as BlobTransfer::Fetch has it

}  // namespace

absl::StatusOr<std::unique_ptr<NodeCache>> NodeCache::Open(base::Files& files, ServerLink& link,
                                                           std::string folder,
                                                           int64_t limit_bytes) {
  RETURN_IF_ERROR(MakePrivateFolder(folder));
  for (const char* name : {"sha256", "partial", "locks"})
    RETURN_IF_ERROR(files.MakeDir(base::JoinPath(folder, name)));
  return std::unique_ptr<NodeCache>(
      new NodeCache(files, link, std::move(folder), std::max<int64_t>(limit_bytes, 0)));
}

std::string NodeCache::PartialPath(const v1::BlobRef& ref) const {
  return absl::StrCat(folder_, "/partial/", ref.sha256(), ".", ref.size());
}

std::string NodeCache::LockPath(const std::string& sha256) const {
  return absl::StrCat(folder_, "/locks/", sha256.substr(0, 2));
}

absl::StatusOr<NodeCache::Blob> NodeCache::OpenKept(const v1::BlobRef& ref) const {
  ASSIGN_OR_RETURN(base::MappedFile mapped, MapHeld(BlobPath(folder_, ref.sha256())));
  return VerifyBlob(ref, std::move(mapped));
}

absl::StatusOr<NodeCache::Blob> NodeCache::Get(const v1::BlobRef& ref, Fetch fetch) {
  // The digest becomes part of paths.
  RETURN_IF_ERROR(base::ParseSha256(ref.sha256()).status());
  if (ref.size() < 0 || static_cast<uint64_t>(ref.size()) > limit_) return Blob();
  absl::StatusOr<Blob> kept = OpenKept(ref);
  if (kept.ok()) return kept;
  absl::Status answered;
  absl::StatusOr<Blob> fetched = FetchAndKeep(ref, [&](const std::string& path) {
    answered = fetch(path);
    return answered;
  });
  // What the server refuses it would refuse again; a fault of this folder is none of the job's.
  if (fetched.ok() || !MayPass(answered) || absl::IsCancelled(fetched.status())) return fetched;
  base::LogWarning("a blob is not kept for the node",
                   {{"blob", ref.sha256()}, {"error", fetched.status()}});
  return Blob();
}

absl::StatusOr<NodeCache::Blob> NodeCache::FetchAndKeep(const v1::BlobRef& ref, Fetch fetch) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::FileLock> turn, AwaitTurn(ref));
  const std::string path = BlobPath(folder_, ref.sha256());
  absl::StatusOr<Blob> kept = OpenKept(ref);  // another rank has fetched it meanwhile
  if (kept.ok()) return kept;
  if (absl::IsDataLoss(kept.status())) {
    base::LogWarning("a kept blob is damaged", {{"error", kept.status()}});
    RETURN_IF_ERROR(files_.Remove(path));
  }
  RETURN_IF_ERROR(MakeRoom(ref));
  const std::string partial = PartialPath(ref);
  // Whole already where a rank died before it could keep it.
  ASSIGN_OR_RETURN(const bool whole, files_.Exists(partial));
  if (!whole) RETURN_IF_ERROR(fetch(partial));
  const absl::Status moved = Keep(partial, path);
  if (!moved.ok()) {
    // What could not be made durable must not be taken for whole by the next one.
    files_.Remove(partial).IgnoreError();
    return moved;
  }
  kept = OpenKept(ref);
  if (!absl::IsDataLoss(kept.status())) return kept;
  files_.Remove(path).IgnoreError();
  return absl::UnavailableError(kept.status().message());
}

absl::Status NodeCache::Keep(const std::string& partial, const std::string& kept) {
  const std::string folder = base::ParentOf(kept);
  RETURN_IF_ERROR(files_.MakeDir(folder));
  ASSIGN_OR_RETURN(const std::unique_ptr<base::File> file, files_.OpenWrite(partial, {}));
  RETURN_IF_ERROR(file->Sync());
  FAILPOINT("worker.node_cache.before_rename");
  RETURN_IF_ERROR(files_.Rename(partial, kept));
  return files_.SyncDir(folder);
}

absl::StatusOr<std::unique_ptr<base::FileLock>> NodeCache::AwaitTurn(const v1::BlobRef& ref) {
  const std::string part = absl::StrCat(PartialPath(ref), kPartSuffix);
  uint64_t seen = 0;
  for (int64_t quiet = 0; quiet < kFetchPatienceMicros; quiet += kPauseMicros) {
    absl::StatusOr<std::unique_ptr<base::FileLock>> lock = files_.Lock(LockPath(ref.sha256()));
    if (!absl::IsFailedPrecondition(lock.status())) return lock;
    const uint64_t come = files_.Size(part).value_or(0);
    if (std::exchange(seen, come) != come) quiet = 0;
    if (!link_.Sleep(kPauseMicros)) return absl::CancelledError("shutting down");
  }
  return absl::UnavailableError("another rank's fetch does not come on");
}

absl::StatusOr<std::unique_ptr<base::FileLock>> NodeCache::AwaitRoomLock() {
  for (int64_t waited = 0; waited < kRoomPatienceMicros; waited += kPauseMicros) {
    absl::StatusOr<std::unique_ptr<base::FileLock>> lock =
        files_.Lock(base::JoinPath(folder_, "room.lock"));
    if (!absl::IsFailedPrecondition(lock.status())) return lock;
    if (!link_.Sleep(kPauseMicros)) return absl::CancelledError("shutting down");
  }
  return absl::UnavailableError("another rank makes room for too long");
}

// So that the blob's size counts from here on.
absl::Status NodeCache::MakeRoom(const v1::BlobRef& ref) {
  ASSIGN_OR_RETURN(const std::unique_ptr<base::FileLock> lock, AwaitRoomLock());
  ASSIGN_OR_RETURN(std::vector<Entry> entries, Entries());
  std::erase_if(entries, [&](const Entry& entry) {
    return entry.partial && absl::StartsWith(entry.path, PartialPath(ref));
  });
  uint64_t sum = static_cast<uint64_t>(ref.size());
  for (const Entry& entry : entries) sum += entry.bytes;
  std::ranges::sort(entries, {}, &Entry::used_micros);
  for (const Entry& entry : entries) {
    if (sum <= limit_) break;
    if (Remove(entry)) sum -= entry.bytes;
  }
  if (sum > limit_)
    return absl::ResourceExhaustedError("the node's cache is full of what is in use");
  const std::string partial = PartialPath(ref);
  ASSIGN_OR_RETURN(const bool whole, files_.Exists(partial));
  if (whole) return absl::OkStatus();
  return files_.OpenWrite(absl::StrCat(partial, kPartSuffix), {.create = true}).status();
}

absl::StatusOr<std::vector<NodeCache::Entry>> NodeCache::Entries() const {
  std::vector<Entry> entries;
  RETURN_IF_ERROR(AddKept(entries));
  RETURN_IF_ERROR(AddPartial(entries));
  return entries;
}

absl::Status NodeCache::AddKept(std::vector<Entry>& entries) const {
  const std::string all = base::JoinPath(folder_, "sha256");
  ASSIGN_OR_RETURN(const std::vector<std::string> folders, files_.List(all));
  for (const std::string& folder : folders) {
    const std::string within = base::JoinPath(all, folder);
    ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(within));
    for (const std::string& name : names) {
      const std::string path = base::JoinPath(within, name);
      const absl::StatusOr<base::FileInfo> info = files_.Stat(path);
      if (!info.ok()) continue;  // removed meanwhile
      entries.push_back({.path = path,
                         .sha256 = absl::StrCat(folder, name),
                         .bytes = info->size,
                         .used_micros = info->modified_micros});
    }
  }
  return absl::OkStatus();
}

absl::Status NodeCache::AddPartial(std::vector<Entry>& entries) const {
  const std::string folder = base::JoinPath(folder_, "partial");
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(folder));
  for (const std::string& name : names) {
    const std::string path = base::JoinPath(folder, name);
    const absl::StatusOr<base::FileInfo> info = files_.Stat(path);
    if (!info.ok()) continue;
    const std::string bare(absl::StripSuffix(name, kPartSuffix));
    const size_t dot = std::min(bare.find('.'), bare.size());
    uint64_t promised = 0;
    if (dot < bare.size() && !absl::SimpleAtoi(bare.substr(dot + 1), &promised)) promised = 0;
    entries.push_back({.path = path,
                       .sha256 = bare.substr(0, dot),
                       .bytes = std::max(info->size, promised),
                       .used_micros = info->modified_micros,
                       .partial = true});
  }
  return absl::OkStatus();
}

// Unless somebody uses or fetches it.
bool NodeCache::Remove(const Entry& entry) {
  if (entry.partial) {
    const auto lock = files_.Lock(LockPath(entry.sha256));
    return lock.ok() && files_.Remove(entry.path).ok();
  }
  const absl::StatusOr<base::Descriptor> taken = TakeUnheld(entry.path);
  return taken.ok() && files_.Remove(entry.path).ok();
}

}  // namespace gradus::worker
