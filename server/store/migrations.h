// SPDX-License-Identifier: Apache-2.0
// The numbered steps from an empty database to the newest schema.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/connection.h"

namespace gradus::store {

struct Migration {
  int version;  // 1, 2, 3, ... without gap
  std::string_view name;
  std::string_view sql;
};

// All of them in order; written by CMake from migrations/NNNN_name.sql.
std::span<const Migration> Migrations();

// The version that the database has; 0 for an empty one.
absl::StatusOr<int> SchemaVersion(Connection& writer);

// Applies one step and writes its number, in the caller's transaction; nothing where the database
// has it.
absl::Status ApplyStatements(Connection& writer, const Migration& migration);

// Applies what is missing, each step in a transaction of its own with its version number: an
// interruption leaves a whole version. FAILED_PRECONDITION for a database newer than `migrations`.
absl::Status Migrate(Connection& writer, std::span<const Migration> migrations);

}  // namespace gradus::store
