// SPDX-License-Identifier: Apache-2.0
// The server's folder: held by one process at a time; says where that process listens and how its
// admin gets in.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/base/files.h"
#include "gradus/v1/config.pb.h"
#include "server/auth/tls.h"
#include "server/auth/tokens.h"

namespace gradus::server {

// Held until it is destroyed.
//   Files    DIR/lock, DIR/endpoint, DIR/admin.profile; the other paths belong to those who are
//   given them. Threads  one.
class DataFolder {
 public:
  // Makes the folder, for its owner alone. FAILED_PRECONDITION when another server holds it. An
  // endpoint that an earlier process left is removed.
  static absl::StatusOr<std::unique_ptr<DataFolder>> Open(base::Files& files,
                                                          const std::string& dir);

  std::string Path(const std::string& name) const;
  std::string endpoint_path() const { return Path("endpoint"); }

  // Tells where the server listens, now that it does.
  absl::Status WriteEndpoint(const std::string& address);

  // Makes sure that DIR/admin.profile lets an admin in at `address` for 30 days more; a profile
  // that still does is kept.
  absl::Status EnsureAdminProfile(const std::string& address, const auth::Authority& authority,
                                  auth::Tokens& tokens, const base::Clock& clock);

 private:
  DataFolder(base::Files& files, std::string dir, std::unique_ptr<base::FileLock> lock)
      : files_(files), dir_(std::move(dir)), lock_(std::move(lock)) {}

  base::Files& files_;
  const std::string dir_;
  const std::unique_ptr<base::FileLock> lock_;
};

}  // namespace gradus::server
