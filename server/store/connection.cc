// SPDX-License-Identifier: Apache-2.0
#include "server/store/connection.h"

#include "absl/strings/str_cat.h"
#include "server/store/postgres_connection.h"
#include "server/store/postgres_url.h"
#include "server/store/sqlite_connection.h"

namespace gradus::store {

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& where,
                                                             Access access) {
  return IsPostgresUrl(where) ? OpenPostgres(where, access) : OpenSqlite(where, access);
}

absl::Status Connection::Run(std::string_view sql) {
  return Run(
      sql, {}, {}, [](std::span<Value>) {}, nullptr);
}

absl::Status ReadTx::Run(std::string_view sql, std::span<const Value> args,
                         std::span<const Value> columns,
                         absl::FunctionRef<void(std::span<Value>)> row, int64_t* changed) {
  absl::Status status = connection_.Run(sql, args, columns, row, changed);
  failed_ = failed_ || !status.ok();
  return status;
}

absl::StatusOr<int64_t> ReadTx::DatabaseNow() { return connection_.NowMicros(); }

absl::Status Tx::Announce(std::string_view topic, const std::string& object) {
  return connection().Announce(
      absl::StrCat(sender_, " ", absl::string_view(topic.data(), topic.size()), " ", object));
}

absl::StatusOr<std::vector<std::string>> ReadTx::CheckDatabase() {
  return connection_.CheckItself();
}

}  // namespace gradus::store
