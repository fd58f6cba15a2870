// SPDX-License-Identifier: Apache-2.0
// SQLite: a file with a write-ahead log beside it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/store/connection.h"

namespace gradus::store {

absl::StatusOr<std::unique_ptr<Connection>> OpenSqlite(const std::string& path, Access access);

}  // namespace gradus::store
