// SPDX-License-Identifier: Apache-2.0
// Addresses of PostgreSQL databases: postgresql://USER@HOST:PORT/DATABASE?KEY=VALUE, as libpq reads
// them. A password in one is a secret: no message and no log may have it.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gradus::store {

// Whether `where` is such an address rather than a path.
bool IsPostgresUrl(std::string_view where);

struct PostgresUrl {
  // What to connect with: the address with our limits for dead peers where it has none of its own.
  std::string target;
  // The same database for people: no password in it.
  std::string shown;
  bool has_password = false;
};

// INVALID_ARGUMENT when libpq cannot read it; the message does not repeat it.
absl::StatusOr<PostgresUrl> ReadPostgresUrl(const std::string& url);

}  // namespace gradus::store
