// SPDX-License-Identifier: Apache-2.0
// Fetched blobs on a node's disk, for all ranks that run there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/files.h"
#include "engine/base/mapped_file.h"
#include "gradus/v1/data.pb.h"
#include "server/worker/server_link.h"

namespace gradus::worker {

// A folder that processes of one user share, also those of several servers:
//   sha256/ab/cdef...    whole blobs; held (held_file.h) by those that use them
//   partial/SHA256.SIZE  what is being fetched; SIZE bytes count for it from the start
//   locks/ab             held by who fetches a blob whose digest begins so
//   room.lock            held while room is made
// The sum stays within the limit: what was used longest ago goes first, and what is in use never.
// A blob is hashed each time it is opened, and one that has other bytes is removed and fetched
// again. A rank that dies leaves nothing that another cannot go on with.
//   Owns     nothing of what it gives.
//   Threads  any.
class NodeCache {
 public:
  using Blob = std::shared_ptr<const base::MappedFile>;
  // Puts the blob at a path; PATH.part holds what has come so far, perhaps from an earlier try.
  using Fetch = absl::FunctionRef<absl::Status(const std::string& path)>;

  // Makes `folder` when it is missing. `files` and `link` must outlive it.
  //   Errors   as MakePrivateFolder.
  static absl::StatusOr<std::unique_ptr<NodeCache>> Open(base::Files& files, ServerLink& link,
                                                         std::string folder, int64_t limit_bytes);

  // The blob, fetched if it is not there; waits while another rank fetches it. Null where it cannot
  // be kept: it has no room, the disk or another rank fails.
  //   Errors   those of `fetch` that would come again; CANCELLED when the link is shut down.
  absl::StatusOr<Blob> Get(const v1::BlobRef& ref, Fetch fetch);

 private:
  // What lies in the folder and counts.
  struct Entry {
    std::string path;
    std::string sha256;
    uint64_t bytes = 0;
    int64_t used_micros = 0;
    bool partial = false;
  };

  NodeCache(base::Files& files, ServerLink& link, std::string folder, int64_t limit_bytes)
      : files_(files),
        link_(link),
        folder_(std::move(folder)),
        limit_(static_cast<uint64_t>(limit_bytes)) {}

  absl::StatusOr<Blob> OpenKept(const v1::BlobRef& ref) const;
  absl::StatusOr<Blob> FetchAndKeep(const v1::BlobRef& ref, Fetch fetch);
  absl::StatusOr<std::unique_ptr<base::FileLock>> AwaitTurn(const v1::BlobRef& ref);
  absl::StatusOr<std::unique_ptr<base::FileLock>> AwaitRoomLock();
  absl::Status MakeRoom(const v1::BlobRef& ref);
  absl::StatusOr<std::vector<Entry>> Entries() const;
  absl::Status AddKept(std::vector<Entry>& entries) const;
  absl::Status AddPartial(std::vector<Entry>& entries) const;
  bool Remove(const Entry& entry);
  absl::Status Keep(const std::string& partial, const std::string& kept);

  std::string PartialPath(const v1::BlobRef& ref) const;
  std::string LockPath(const std::string& sha256) const;

  base::Files& files_;
  ServerLink& link_;
  const std::string folder_;
  const uint64_t limit_;
};

}  // namespace gradus::worker
