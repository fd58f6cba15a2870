// SPDX-License-Identifier: Apache-2.0
// Blobs as mapped, verified files: from a folder beside the server where there is one, else
// fetched.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/files.h"
#include "engine/base/mapped_file.h"
#include "engine/base/mutex.h"
#include "gradus/v1/data.pb.h"
#include "server/worker/blob_transfer.h"
#include "server/worker/node_cache.h"

namespace gradus::worker {

// Each blob is hashed once, by whoever asks first; those who ask meanwhile wait.
//   Owns     the mappings it gave, as long as it lives; a thread while it prefetches.
//   Threads  any.
//   Errors   DATA_LOSS or NOT_FOUND for a blob that cannot be had whole; what BlobTransfer::Fetch
//   returns.
class BlobCache {
 public:
  // Blobs are read from blob_dir/sha256/ab/cdef... (never written; empty: none), or fetched to what
  // the node's ranks share (null: nothing), or else to work_dir/blobs.
  BlobCache(base::Files& files, BlobTransfer& transfer, std::string blob_dir, NodeCache* node_cache,
            std::string work_dir);
  ~BlobCache();

  absl::StatusOr<std::shared_ptr<const base::MappedFile>> Open(const v1::BlobRef& ref);

  // Opens all of them on a thread of its own, in order. Once.
  void Prefetch(std::vector<v1::BlobRef> refs);

 private:
  using Blob = std::shared_ptr<const base::MappedFile>;
  // Null while it is being opened.
  std::map<std::string, Blob> blobs_ ABSL_GUARDED_BY(mu_);

  absl::StatusOr<Blob> OpenNow(const v1::BlobRef& ref);

  base::Files& files_;
  BlobTransfer& transfer_;
  const std::string blob_dir_;
  NodeCache* const node_cache_;
  const std::string fetched_dir_;
  base::Mutex mu_;
  base::CondVar changed_;
  std::thread prefetcher_;
};

}  // namespace gradus::worker
