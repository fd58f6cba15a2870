// SPDX-License-Identifier: Apache-2.0
// PostgreSQL, 14 or newer: a server that keeps the database whole, for several gradusd at once.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/connection.h"

namespace gradus::store {

// `url` as in postgres_url.h. A lost connection is UNAVAILABLE and made anew at the next Begin.
absl::StatusOr<std::unique_ptr<Connection>> OpenPostgres(const std::string& url, Access access);

// What a failure with this SQLSTATE is to callers; an empty one is that of a lost connection.
absl::StatusCode CodeOfSqlState(absl::string_view state);

// `text` as the server takes it: UTF-8 without NUL, U+FFFD in place of every byte that is none.
std::string StorableText(std::string text);

}  // namespace gradus::store
