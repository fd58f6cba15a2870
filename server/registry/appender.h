// SPDX-License-Identifier: Apache-2.0
// The one implementation of Appender.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "server/registry/upload_parts.h"
#include "server/registry/uploads.h"

namespace gradus::registry {

// A file of an upload, to be written from `committed` on.
struct AppendTarget {
  std::string id;
  int file = 0;
  int64_t committed = 0;
  int64_t size = 0;  // of the whole file
  std::shared_ptr<PartSlot> slot;
  int64_t ticket = 0;
  std::unique_ptr<base::File> part;
};

// `folder` holds the part. It, `store` and `clock` must outlive the appender. A sync that fails
// poisons the store.
std::unique_ptr<Appender> NewAppender(AppendTarget target, int64_t sync_bytes, UploadParts* folder,
                                      store::Store* store, base::Clock* clock);

}  // namespace gradus::registry
