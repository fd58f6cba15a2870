// SPDX-License-Identifier: Apache-2.0
#include "server/store/postgres_connection.h"

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/store/announcements.h"
#include "server/store/postgres_url.h"
#include "server/store/statements.h"

namespace gradus::store {
namespace {

constexpr int kOldestServer = 140000;

// Held by every transaction that writes, so that writers of all servers take turns as they do on
// SQLite: the code above relies on nobody changing what it has read. The number is "gradus".
constexpr char kBeginWriting[] = "BEGIN; SELECT pg_advisory_xact_lock(113740957906291)";
// All statements see one state, the newest at the first of them.
constexpr char kBeginReading[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

// Whatever the server's own settings are: an answer means that it is on the disk, and neither a
// statement, nor the wait for the lock, nor a transaction whose program has stopped lasts for ever.
// A server looks every second whether the program is still there.
constexpr char kSettings[] =
    "SET client_encoding = 'UTF8';"
    "SET standard_conforming_strings = on;"
    "SET statement_timeout = '30s';"
    "SET lock_timeout = '10s';"
    "SET idle_in_transaction_session_timeout = '10s';"
    "SET client_connection_check_interval = '1s';"
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'";
constexpr char kReaderSettings[] =
    "SET default_transaction_read_only = on;"
    "SET idle_in_transaction_session_timeout = '60s'";

void Ignore(soci::statement&) {}
void IgnoreNotice(void*, const char*) {}

class PostgresConnection final : public Connection {
 public:
  PostgresConnection(PostgresUrl url, Access access) : url_(std::move(url)), access_(access) {}
  ~PostgresConnection() override { Disconnect(); }

  absl::Status Connect();

  absl::Status Begin() override;
  absl::Status Commit() override;
  void Rollback() override;
  using Connection::Run;
  absl::Status Run(std::string_view sql, std::span<const Value> args,
                   std::span<const Value> columns, absl::FunctionRef<void(std::span<Value>)> row,
                   int64_t* changed) override;
  absl::Status Announce(const std::string& text) override;
  absl::StatusOr<int64_t> NowMicros() override;
  absl::StatusOr<bool> HasTable(const std::string& name) override;
  std::string Definition(const std::string& sql) const override;
  absl::StatusOr<std::vector<std::string>> CheckItself() override {
    return std::vector<std::string>();  // its constraints hold at every commit
  }
  absl::Status CopyTo(const std::string&) override {
    return absl::UnimplementedError(
        "a database of PostgreSQL is backed up by its own tools: pg_dump, or pg_basebackup");
  }

 private:
  PGconn* handle() {
    return static_cast<soci::postgresql_session_backend*>(session_->get_backend())->conn_;
  }
  bool Lost() { return session_ == nullptr || PQstatus(handle()) != CONNECTION_OK; }
  void Disconnect();
  // Statements without parameters in one exchange; the tag of the last.
  absl::StatusOr<std::string> Exec(const char* sql);
  absl::Status Fail(std::string_view sql, const std::string& what, std::string state);

  const PostgresUrl url_;
  const Access access_;
  std::unique_ptr<soci::session> session_;  // null while there is no connection
  std::unique_ptr<Statements> statements_;
};

void PostgresConnection::Disconnect() {
  statements_.reset();
  session_.reset();
}

absl::Status PostgresConnection::Connect() {
  Disconnect();
  auto session = std::make_unique<soci::session>();
  try {
    session->open(soci::postgresql, url_.target);
  } catch (const std::exception& e) {
    return absl::UnavailableError(
        absl::StrCat("the database ", url_.shown, " cannot be reached: ", WordsOf(e)));
  }
  session_ = std::move(session);
  statements_ = std::make_unique<Statements>(*session_, Ignore);
  // Messages without the values that they are about, and none on standard error.
  PQsetErrorVerbosity(handle(), PQERRORS_TERSE);
  PQsetNoticeProcessor(handle(), IgnoreNotice, nullptr);
  if (PQserverVersion(handle()) < kOldestServer) {
    Disconnect();
    return absl::FailedPreconditionError(
        absl::StrCat("the database ", url_.shown, " is kept by a server older than PostgreSQL 14"));
  }
  absl::Status status = Exec(kSettings).status();
  if (status.ok() && access_ == Access::kReader) status = Exec(kReaderSettings).status();
  if (!status.ok()) Disconnect();
  return status;
}

absl::StatusOr<std::string> PostgresConnection::Exec(const char* sql) {
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(handle(), sql), PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return PQcmdStatus(result.get());
  const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
  return Fail(sql, PQerrorMessage(handle()), state == nullptr ? "" : state);
}

absl::Status PostgresConnection::Begin() {
  const char* begin = access_ == Access::kWriter ? kBeginWriting : kBeginReading;
  const bool fresh = Lost();
  if (fresh) RETURN_IF_ERROR(Connect());
  absl::Status status = Exec(begin).status();
  // It may have been lost since it was last used; nothing has been done in it yet.
  if (!status.ok() && !fresh && Lost()) {
    RETURN_IF_ERROR(Connect());
    status = Exec(begin).status();
  }
  if (!status.ok()) Rollback();
  return status;
}

absl::Status PostgresConnection::Commit() {
  if (Lost()) return absl::UnavailableError("database: the connection was lost");
  const absl::StatusOr<std::string> done = Exec("COMMIT");
  if (!done.ok() && Lost()) {
    return absl::UnavailableError(
        "database: the connection was lost at a commit: it may have been stored, or not");
  }
  if (!done.ok()) return done.status();
  // What had failed before is rolled back without an error.
  if (*done != "COMMIT") return absl::InternalError("database: a statement failed before a commit");
  return absl::OkStatus();
}

void PostgresConnection::Rollback() {
  if (Lost() || !Exec("ROLLBACK").ok()) return Disconnect();
  // Not before: within a failed transaction the server would not let go of them.
  statements_->DropFailed();
}

absl::Status PostgresConnection::Run(std::string_view sql, std::span<const Value> args,
                                     std::span<const Value> columns,
                                     absl::FunctionRef<void(std::span<Value>)> row,
                                     int64_t* changed) {
  if (Lost()) return absl::UnavailableError("database: the connection was lost");
  std::vector<Value> storable(args.begin(), args.end());
  for (Value& value : storable) {
    if (auto* text = std::get_if<std::string>(&value)) *text = StorableText(std::move(*text));
  }
  try {
    statements_->Run(sql, storable, columns, row, changed);
    return absl::OkStatus();
  } catch (const soci::postgresql_soci_error& e) {
    return Fail(sql, WordsOf(e), e.sqlstate());
  } catch (const std::exception& e) {
    return Fail(sql, WordsOf(e), "");
  }
}

absl::Status PostgresConnection::Fail(std::string_view sql, const std::string& what,
                                      std::string state) {
  if (absl::StartsWith(state, " ")) state.clear();  // SOCI's way to say that there is none
  absl::StatusCode code = CodeOfSqlState(state);
  if (state.empty() && !Lost()) code = absl::StatusCode::kInternal;
  // A value that is not what its type demands stands in the message.
  const bool quotes = absl::StartsWith(state, "22");
  return absl::Status(code, absl::StrCat("database: ", quotes ? "a value is refused" : what, " (",
                                         state, ") in: ", Beginning(sql)));
}

absl::Status PostgresConnection::Announce(const std::string& text) {
  const Value args[] = {std::string(kChannel), text};
  return Run(
      "SELECT pg_notify(:channel, :text)", args, {}, [](std::span<Value>) {}, nullptr);
}

absl::StatusOr<int64_t> PostgresConnection::NowMicros() {
  int64_t now = 0;
  const Value number[] = {int64_t{0}};
  RETURN_IF_ERROR(Run(
      "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)", {}, number,
      [&now](std::span<Value> row) { now = std::get<int64_t>(row[0]); }, nullptr));
  return now;
}

// From the catalogue as the transaction sees it: to_regclass() may answer from a cache that is
// older than the lock which another server's migration has just let go.
absl::StatusOr<bool> PostgresConnection::HasTable(const std::string& name) {
  int64_t tables = 0;
  const Value args[] = {name};
  const Value number[] = {int64_t{0}};
  RETURN_IF_ERROR(Run(
      "SELECT COUNT(*) FROM pg_tables"
      " WHERE schemaname = ANY (current_schemas(false)) AND tablename = :name",
      args, number, [&tables](std::span<Value> row) { tables = std::get<int64_t>(row[0]); },
      nullptr));
  return tables > 0;
}

// Names and digests are in the order of their bytes, whatever language the server speaks.
std::string PostgresConnection::Definition(const std::string& sql) const {
  return absl::StrReplaceAll(sql, {{" TEXT", " TEXT COLLATE \"C\""}});
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> OpenPostgres(const std::string& url, Access access) {
  ASSIGN_OR_RETURN(PostgresUrl read, ReadPostgresUrl(url));
  auto connection = std::make_unique<PostgresConnection>(std::move(read), access);
  RETURN_IF_ERROR(connection->Connect());
  return connection;
}

absl::StatusCode CodeOfSqlState(absl::string_view state) {
  // Each by the class or the code that it begins with; the first counts.
  constexpr std::pair<absl::string_view, absl::StatusCode> kCodes[] = {
      {"23505", absl::StatusCode::kAlreadyExists},
      {"23", absl::StatusCode::kFailedPrecondition},
      {"08", absl::StatusCode::kUnavailable},     // connection
      {"57", absl::StatusCode::kUnavailable},     // the server stops, or a time limit passed
      {"55P03", absl::StatusCode::kUnavailable},  // the wait for a lock was too long
      {"53", absl::StatusCode::kUnavailable},     // its disk, memory or connections are used up
      {"40", absl::StatusCode::kUnavailable},     // rolled back for the sake of another
      {"25P03", absl::StatusCode::kUnavailable},  // idle in a transaction for too long
      {"25P04", absl::StatusCode::kUnavailable},
      {"25006", absl::StatusCode::kUnavailable},  // a replica that takes no writes
      {"58", absl::StatusCode::kDataLoss},        // failed IO
      {"XX", absl::StatusCode::kDataLoss},        // damage
  };
  if (state.empty()) return absl::StatusCode::kUnavailable;
  for (const auto& [start, code] : kCodes) {
    if (absl::StartsWith(state, start)) return code;
  }
  return absl::StatusCode::kInternal;
}

std::string StorableText(std::string text) {
  constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";
  // Bytes of the sequence that begins at `i`, 0 where none does.
  const auto length = [&text](size_t i) -> size_t {
    const auto at = [&text](size_t k) { return static_cast<unsigned char>(text[k]); };
    const unsigned char first = at(i);
    if (first != 0 && first < 0x80) return 1;
    const size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || i + bytes > text.size()) return 0;
    for (size_t k = i + 1; k < i + bytes; ++k) {
      if ((at(k) & 0xC0) != 0x80) return 0;
    }
    const unsigned char second = at(i + 1);
    const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool beyond = (first == 0xED && second >= 0xA0) || (first == 0xF4 && second >= 0x90);
    return overlong || beyond ? 0 : bytes;
  };
  size_t i = 0;
  while (i < text.size() && length(i) > 0) i += length(i);
  if (i == text.size()) return text;
  std::string fixed = text.substr(0, i);
  while (i < text.size()) {
    const size_t bytes = length(i);
    fixed.append(bytes == 0 ? std::string(kReplacement) : text.substr(i, bytes));
    i += bytes == 0 ? 1 : bytes;
  }
  return fixed;
}

}  // namespace gradus::store
