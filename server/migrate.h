// SPDX-License-Identifier: Apache-2.0
// gradusd migrate: a lab moves from SQLite to PostgreSQL.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/files.h"
#include "server/store/copy_store.h"

namespace gradus::server {

// Copies the store of `data_dir` to the database at `url`, as store::CopyStore; blobs and all other
// files stay where they are. FAILED_PRECONDITION where a gradusd runs on the folder,
// INVALID_ARGUMENT without a `url`.
absl::StatusOr<std::vector<store::CopiedTable>> MigrateStore(base::Files& files,
                                                             const std::string& data_dir,
                                                             const std::string& url);

}  // namespace gradus::server
