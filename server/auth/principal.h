// SPDX-License-Identifier: Apache-2.0
// Who a call comes from, as its token says.
#pragma once

#include <cstdint>
#include <string>

namespace gradus::auth {

// kWorker is one attempt of one job: such tokens are good for WorkerService alone.
enum class Role { kUser, kAdmin, kWorker };

struct Principal {
  // Empty for a worker.
  std::string user;
  Role role = Role::kUser;
  int64_t expires_at_micros = 0;
  // Only for kWorker.
  std::string job;
  int32_t attempt = 0;
};

// "user", "admin", "worker".
const char* RoleName(Role role);

}  // namespace gradus::auth
