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
  RETURN_IF_ERROR(writer.Begin());
  absl::Status status = ApplyStatements(writer, migration);
  if (status.ok()) status = writer.Commit();
  if (!status.ok()) {
    writer.Rollback();
    return base::Annotate(
        status, absl::StrCat("migration ", migration.version, " (",
                             absl::string_view(migration.name.data(), migration.name.size()), ")"));
  }
  FAILPOINT("store.migrate.committed");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int> SchemaVersion(Connection& writer) {
  ASSIGN_OR_RETURN(const bool made, writer.HasTable("schema_version"));
  if (!made) return 0;
  const Value number[] = {int64_t{0}};
  int64_t version = 0;
  RETURN_IF_ERROR(writer.Run(
      "SELECT version FROM schema_version", {}, number,
      [&version](std::span<Value> row) { version = std::get<int64_t>(row[0]); }, nullptr));
  return static_cast<int>(version);
}

absl::Status ApplyStatements(Connection& writer, const Migration& migration) {
  // Another server may have been faster.
  ASSIGN_OR_RETURN(const int found, SchemaVersion(writer));
  if (found >= migration.version) return absl::OkStatus();
  for (const std::string& statement : Statements(migration.sql)) {
    RETURN_IF_ERROR(writer.Run(writer.Definition(statement)));
    FAILPOINT("store.migrate.step");
  }
  const Value version[] = {static_cast<int64_t>(migration.version)};
  return writer.Run(
      "UPDATE schema_version SET version = :v", version, {}, [](std::span<Value>) {}, nullptr);
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
