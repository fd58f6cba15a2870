// SPDX-License-Identifier: Apache-2.0
#include "server/migrate.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/status.h"

namespace gradus::server {

absl::StatusOr<std::vector<store::CopiedTable>> MigrateStore(base::Files& files,
                                                             const std::string& data_dir,
                                                             const std::string& url) {
  if (url.empty()) return base::InvalidArgument("store", "nothing", "where to: --store URL");
  const std::string path = base::JoinPath(data_dir, "gradus.db");
  ASSIGN_OR_RETURN(const bool exists, files.Exists(path));
  if (!exists) return absl::NotFoundError(absl::StrCat(data_dir, " holds no store of SQLite's"));
  const absl::StatusOr<std::unique_ptr<base::FileLock>> lock =
      files.Lock(base::JoinPath(data_dir, "lock"));
  if (absl::IsFailedPrecondition(lock.status()))
    return absl::FailedPreconditionError(
        absl::StrCat(data_dir, " is in use by a gradusd: stop it first"));
  RETURN_IF_ERROR(lock.status());
  return store::CopyStore(path, url);
}

}  // namespace gradus::server
