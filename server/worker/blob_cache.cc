// SPDX-License-Identifier: Apache-2.0
// Looks in the server's folder, then among what was fetched by ranks of this node, then asks the
// server.
#include "server/worker/blob_cache.h"

#include <optional>
#include <utility>

#include "engine/base/file_ops.h"
#include "engine/base/log.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "server/worker/blob_folder.h"

namespace gradus::worker {

BlobCache::BlobCache(base::Files& files, BlobTransfer& transfer, std::string blob_dir,
                     NodeCache* node_cache, std::string work_dir)
    : files_(files),
      transfer_(transfer),
      blob_dir_(std::move(blob_dir)),
      node_cache_(node_cache),
      fetched_dir_(base::JoinPath(work_dir, "blobs")) {}

BlobCache::~BlobCache() {
  if (prefetcher_.joinable()) prefetcher_.join();
}

void BlobCache::Prefetch(std::vector<v1::BlobRef> refs) {
  prefetcher_ = std::thread([this, refs = std::move(refs)] {
    for (const v1::BlobRef& ref : refs)
      Open(ref).status().IgnoreError();  // whoever needs it asks again and hears the error
  });
}

absl::StatusOr<BlobCache::Blob> BlobCache::Open(const v1::BlobRef& ref) {
  // The digest becomes part of a path.
  RETURN_IF_ERROR(base::ParseSha256(ref.sha256()).status());
  {
    base::MutexLock lock(mu_);
    changed_.Wait(mu_, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      const auto found = blobs_.find(ref.sha256());
      return found == blobs_.end() || found->second != nullptr;
    });
    const auto [entry, inserted] = blobs_.emplace(ref.sha256(), nullptr);
    if (!inserted) return entry->second;
  }
  absl::StatusOr<Blob> opened = OpenNow(ref);
  base::MutexLock lock(mu_);
  if (opened.ok()) {
    blobs_[ref.sha256()] = *opened;
  } else {
    blobs_.erase(ref.sha256());
  }
  changed_.SignalAll();
  return opened;
}

absl::StatusOr<BlobCache::Blob> BlobCache::OpenNow(const v1::BlobRef& ref) {
  if (!blob_dir_.empty()) {
    absl::StatusOr<Blob> beside = MapBlob(files_, ref, BlobPath(blob_dir_, ref.sha256()));
    if (beside.ok()) return beside;
    if (!absl::IsNotFound(beside.status()))
      base::LogWarning("a blob beside the server cannot be used", {{"error", beside.status()}});
  }
  if (node_cache_ != nullptr) {
    ASSIGN_OR_RETURN(Blob kept, node_cache_->Get(ref, [&](const std::string& path) {
      return transfer_.Fetch(ref, path);
    }));
    if (kept != nullptr) return kept;
  }
  RETURN_IF_ERROR(base::MakeDirs(files_, fetched_dir_));
  const std::string fetched = base::JoinPath(fetched_dir_, ref.sha256());
  absl::StatusOr<Blob> earlier = MapBlob(files_, ref, fetched);
  if (earlier.ok()) return earlier;
  RETURN_IF_ERROR(transfer_.Fetch(ref, fetched));
  return MapBlob(files_, ref, fetched);
}

}  // namespace gradus::worker
