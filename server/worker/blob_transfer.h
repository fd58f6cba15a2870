// SPDX-License-Identifier: Apache-2.0
// Blobs to and from the server, over as many broken streams as it takes.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "engine/base/files.h"
#include "engine/base/random.h"
#include "gradus/v1/data.pb.h"
#include "server/worker/server_link.h"

namespace gradus::worker {

// Moves whole blobs, going on after a break where the other side stands.
//   Threads  any; each call blocks until it is done, ServerLink::Shutdown included (CANCELLED).
//   Errors   those that would come again (see MayPass), DATA_LOSS when the bytes are not the
//   digest's; files' own.
class BlobTransfer {
 public:
  BlobTransfer(ServerLink& link, base::Files& files, base::RandomSource& random)
      : link_(link), files_(files), random_(random) {}

  // Stores the file at `path`, whose content is `ref`, at the server.
  absl::Status Upload(const std::string& path, const v1::BlobRef& ref);

  // Puts blob `ref` at `path`; PATH.part holds what has come so far, perhaps from an earlier call.
  absl::Status Fetch(const v1::BlobRef& ref, const std::string& path);

 private:
  absl::StatusOr<int64_t> UploadFrom(const base::File& file, const v1::BlobRef& ref, int64_t offset,
                                     int64_t bytes);
  absl::Status FetchMore(const v1::BlobRef& ref, base::File& file, uint64_t* size);

  ServerLink& link_;
  base::Files& files_;
  base::RandomSource& random_;
};

}  // namespace gradus::worker
