// SPDX-License-Identifier: Apache-2.0
#include "server/store/migrations.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/status.h"

namespace gradus::store {
namespace {

// A file's statements: each ends with a semicolon at the end of a line; lines that start with --
// are comments.
std::vector<std::string> Statements(std::string_view sql) {
  std::vector<std::string> statements;
  std::string current;
  while (!sql.empty()) {
    const size_t end = std::min(sql.find('\n'), sql.size());
    std::string_view line = sql.substr(0, end);
    sql.remove_prefix(std::min(end + 1, sql.size()));
    while (!line.empty() && absl::ascii_isspace(line.back())) line.remove_suffix(1);
    if (line.empty() || line.starts_with("--")) continue;
    const bool last = line.ends_with(';');
    if (last) line.remove_suffix(1);
    current.append(line).push_back('\n');
    if (last) statements.push_back(std::exchange(current, {}));
  }
  return statements;
}

absl::Status Apply(Connection& writer, const Migration& migration) {
  RETURN_IF_ERROR(writer.Run("BEGIN EXCLUSIVE"));
  absl::Status status;
  for (const std::string& statement : Statements(migration.sql)) {
    status = writer.Run(statement);
    if (!status.ok()) break;
    FAILPOINT("store.migrate.step");
  }
  if (status.ok()) {
    const Value version[] = {static_cast<int64_t>(migration.version)};
    status = writer.Run(
        "UPDATE schema_version SET version = :v", version, {}, [](std::span<Value>) {}, nullptr);
  }
  if (status.ok()) status = writer.Run("COMMIT");
  if (!status.ok()) {
    writer.Run("ROLLBACK").IgnoreError();
    return base::Annotate(
        status, absl::StrCat("migration ", migration.version, " (",
                             absl::string_view(migration.name.data(), migration.name.size()), ")"));
  }
  FAILPOINT("store.migrate.committed");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int> SchemaVersion(Connection& writer) {
  const Value number[] = {int64_t{0}};
  int64_t tables = 0;
  RETURN_IF_ERROR(writer.Run(
      "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'", {},
      number, [&tables](std::span<Value> row) { tables = std::get<int64_t>(row[0]); }, nullptr));
  if (tables == 0) return 0;
  int64_t version = 0;
  RETURN_IF_ERROR(writer.Run(
      "SELECT version FROM schema_version", {}, number,
      [&version](std::span<Value> row) { version = std::get<int64_t>(row[0]); }, nullptr));
  return static_cast<int>(version);
}

absl::Status Migrate(Connection& writer, std::span<const Migration> migrations) {
  ASSIGN_OR_RETURN(const int found, SchemaVersion(writer));
  const int newest = migrations.empty() ? 0 : migrations.back().version;
  if (found > newest) {
    return absl::FailedPreconditionError(absl::StrCat("the database has schema version ", found,
                                                      ", this program knows up to ", newest,
                                                      ": it was written by a newer gradusd"));
  }
  for (const Migration& migration : migrations) {
    if (migration.version <= found) continue;
    RETURN_IF_ERROR(Apply(writer, migration));
  }
  return absl::OkStatus();
}

}  // namespace gradus::store
