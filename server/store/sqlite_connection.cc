// SPDX-License-Identifier: Apache-2.0
#include "server/store/sqlite_connection.h"

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/clock.h"
#include "server/store/statements.h"

namespace gradus::store {
namespace {

constexpr int kLongLog = 1000;  // pages

// Faults after which nothing that the file says or takes can be trusted.
bool IsFault(int code) {
  switch (code & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_NOTADB:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
    case SQLITE_NOMEM:
      return true;
    default:
      return false;
  }
}

// Called by SQLite after each commit.
int NoteLog(void* log_pages, sqlite_api::sqlite3*, const char*, int pages) {
  *static_cast<int*>(log_pages) = pages;
  return SQLITE_OK;
}

absl::StatusCode CodeOf(int code) {
  if (IsFault(code)) return absl::StatusCode::kDataLoss;
  if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY) {
    return absl::StatusCode::kAlreadyExists;
  }
  if ((code & 0xff) == SQLITE_CONSTRAINT) return absl::StatusCode::kFailedPrecondition;
  if ((code & 0xff) == SQLITE_BUSY) return absl::StatusCode::kUnavailable;
  return absl::StatusCode::kInternal;
}

// A statement that returned rows nobody asked for would otherwise stay in progress.
// (SOCI's own reset is not exported.)
void Reset(soci::statement& statement) {
  sqlite_api::sqlite3_reset(
      static_cast<soci::sqlite3_statement_backend*>(statement.get_backend())->stmt_);
}

class SqliteConnection final : public Connection {
 public:
  ~SqliteConnection() override;
  absl::Status Connect(const std::string& path, Access access);

  absl::Status Begin() override;
  absl::Status Commit() override;
  void Rollback() override { Connection::Run("ROLLBACK").IgnoreError(); }
  using Connection::Run;
  absl::Status Run(std::string_view sql, std::span<const Value> args,
                   std::span<const Value> columns, absl::FunctionRef<void(std::span<Value>)> row,
                   int64_t* changed) override;
  absl::StatusOr<int64_t> NowMicros() override { return base::RealClock().NowMicros(); }
  absl::StatusOr<bool> HasTable(const std::string& name) override;
  absl::StatusOr<std::vector<std::string>> CheckItself() override;
  absl::Status CopyTo(const std::string& path) override;
  absl::Status TakeUpLog() override;
  absl::Status FoldLog(bool whole) override;
  void KeepLogAtClose() override;
  bool faulted() const override { return faulted_; }

 private:
  absl::Status SetUpWriter();
  absl::Status Fail(std::string_view sql, const std::string& what, int code);
  sqlite_api::sqlite3* handle() {
    return static_cast<soci::sqlite3_session_backend*>(session_.get_backend())->conn_;
  }

  soci::session session_;
  Statements statements_{session_, Reset};
  Access access_ = Access::kReader;
  int log_pages_ = 0;  // in the log after this writer's last commit
  bool faulted_ = false;
};

SqliteConnection::~SqliteConnection() {
  if (session_.get_backend() == nullptr) return;
  // Folding the log into the file would sync again what failed to be synced.
  if (faulted_) KeepLogAtClose();
  statements_.DropAll();
  try {
    session_.close();
  } catch (const std::exception&) {
    // Nothing is left to be done with it.
  }
}

absl::Status SqliteConnection::Connect(const std::string& path, Access access) {
  access_ = access;
  std::string target = absl::StrCat("dbname=\"", path, "\" timeout=5");
  if (access == Access::kReader) absl::StrAppend(&target, " readonly=true");
  try {
    session_.open(soci::sqlite3, target);
  } catch (const std::exception& e) {
    return absl::DataLossError(absl::StrCat("cannot open database ", path, ": ", WordsOf(e)));
  }
  sqlite_api::sqlite3_extended_result_codes(handle(), 1);
  if (access == Access::kWriter) return SetUpWriter();
  KeepLogAtClose();
  return Run("PRAGMA wal_autocheckpoint=0");
}

absl::Status SqliteConnection::SetUpWriter() {
  std::string mode;
  const Value text[] = {std::string()};
  RETURN_IF_ERROR(Run(
      "PRAGMA journal_mode=WAL", {}, text,
      [&mode](std::span<Value> row) { mode = std::get<std::string>(row[0]); }, nullptr));
  if (mode != "wal") {
    return absl::FailedPreconditionError(
        absl::StrCat("the database's journal mode is \"", mode, "\" instead of \"wal\""));
  }
  // FULL: each commit waits until the log is on the disk.
  RETURN_IF_ERROR(Run("PRAGMA synchronous=FULL"));
  RETURN_IF_ERROR(Run("PRAGMA foreign_keys=ON"));
  sqlite_api::sqlite3_wal_hook(handle(), NoteLog, &log_pages_);
  return absl::OkStatus();
}

absl::Status SqliteConnection::Begin() {
  return Run(access_ == Access::kWriter ? "BEGIN IMMEDIATE" : "BEGIN");
}

absl::Status SqliteConnection::Commit() {
  const absl::Status status = Run("COMMIT");
  // Whether it is on the disk is unknown now: whoever recovers the file will know.
  if (!status.ok()) faulted_ = true;
  return status;
}

absl::Status SqliteConnection::Run(std::string_view sql, std::span<const Value> args,
                                   std::span<const Value> columns,
                                   absl::FunctionRef<void(std::span<Value>)> row,
                                   int64_t* changed) {
  try {
    statements_.Run(sql, args, columns, row, changed);
    return absl::OkStatus();
  } catch (const soci::sqlite3_soci_error& e) {
    return Fail(sql, WordsOf(e), e.result());
  } catch (const std::exception& e) {
    return Fail(sql, WordsOf(e), SQLITE_ERROR);
  }
}

absl::Status SqliteConnection::Fail(std::string_view sql, const std::string& what, int code) {
  // SOCI keeps the plain code at most; the connection knows the extended one.
  const int extended = sqlite_api::sqlite3_extended_errcode(handle());
  if (extended != SQLITE_OK && extended != SQLITE_ROW && extended != SQLITE_DONE) code = extended;
  faulted_ = faulted_ || IsFault(code);
  statements_.DropAll();
  return absl::Status(CodeOf(code),
                      absl::StrCat("database: ", what, " (", code, ") in: ", Beginning(sql)));
}

absl::StatusOr<bool> SqliteConnection::HasTable(const std::string& name) {
  int64_t tables = 0;
  const Value args[] = {name};
  const Value number[] = {int64_t{0}};
  RETURN_IF_ERROR(Run(
      "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = :name", args, number,
      [&tables](std::span<Value> row) { tables = std::get<int64_t>(row[0]); }, nullptr));
  return tables > 0;
}

absl::StatusOr<std::vector<std::string>> SqliteConnection::CheckItself() {
  std::vector<std::string> findings;
  const Value text[] = {std::string()};
  RETURN_IF_ERROR(Run(
      "PRAGMA integrity_check", {}, text,
      [&findings](std::span<Value> row) {
        const auto& found = std::get<std::string>(row[0]);
        if (found != "ok") findings.push_back(absl::StrCat("database file: ", found));
      },
      nullptr));
  RETURN_IF_ERROR(Run(
      "PRAGMA foreign_key_check", {}, text,
      [&findings](std::span<Value> row) {
        findings.push_back(absl::StrCat("a row of ", std::get<std::string>(row[0]),
                                        " names something that is not there"));
      },
      nullptr));
  return findings;
}

absl::Status SqliteConnection::CopyTo(const std::string& path) {
  const Value target[] = {path};
  return Run(
      "VACUUM INTO :target", target, {}, [](std::span<Value>) {}, nullptr);
}

// What a process that died left in the log can be read, and so be told, from here on: it has to be
// on the disk first. It is copied into the file rather than synced, since after a failed sync the
// log may be whole in memory alone; and the log begins anew with a commit of its own, so that
// nothing reads the old one again.
absl::Status SqliteConnection::TakeUpLog() {
  RETURN_IF_ERROR(Run("PRAGMA wal_checkpoint(TRUNCATE)"));
  return Run(
      "INSERT INTO counters (name, value) VALUES ('opening', 1)"
      " ON CONFLICT (name) DO UPDATE SET value = counters.value + 1");
}

absl::Status SqliteConnection::FoldLog(bool whole) {
  if (!whole && log_pages_ < kLongLog) return absl::OkStatus();
  const int code = sqlite_api::sqlite3_wal_checkpoint_v2(
      handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code == SQLITE_OK) return absl::OkStatus();
  return Fail("checkpoint", sqlite_api::sqlite3_errmsg(handle()), code);
}

void SqliteConnection::KeepLogAtClose() {
  sqlite_api::sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> OpenSqlite(const std::string& path, Access access) {
  if (absl::StrContains(path, '"')) {
    return absl::InvalidArgumentError(absl::StrCat("database path has a quote: ", path));
  }
  auto connection = std::make_unique<SqliteConnection>();
  RETURN_IF_ERROR(connection->Connect(path, access));
  return connection;
}

}  // namespace gradus::store
