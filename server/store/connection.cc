// SPDX-License-Identifier: Apache-2.0
#include "server/store/connection.h"

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace gradus::store {
namespace {

// Prepared statements of one connection; above this many (made from lists of varying length) all
// are dropped.
constexpr size_t kMaxPrepared = 256;

// Where SOCI reads a parameter from, or writes a column to; its address never changes.
struct Slot {
  size_t type = 0;  // index in Value
  long long number = 0;
  double real = 0;
  std::string text;
  soci::indicator indicator = soci::i_ok;

  void Set(const Value& value) {
    indicator = value.index() == 0 ? soci::i_null : soci::i_ok;
    if (const auto* n = std::get_if<int64_t>(&value)) number = *n;
    if (const auto* r = std::get_if<double>(&value)) real = *r;
    if (const auto* t = std::get_if<std::string>(&value)) text = *t;
  }

  Value Get() {
    if (indicator == soci::i_null) return Value();
    if (type == 1) return static_cast<int64_t>(number);
    if (type == 2) return real;
    return std::move(text);
  }
};

// A NULL parameter has no type of its own; text does for all.
size_t TypeOf(const Value& value) { return value.index() == 0 ? 3 : value.index(); }

std::string CacheKey(std::string_view sql, std::span<const Value> args,
                     std::span<const Value> columns) {
  std::string key(sql);
  key.push_back('\0');
  for (const Value& arg : args) key.push_back(static_cast<char>('0' + TypeOf(arg)));
  key.push_back('\0');
  for (const Value& column : columns) key.push_back(static_cast<char>('0' + TypeOf(column)));
  return key;
}

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

}  // namespace

struct Connection::Prepared {
  Prepared(soci::session& sql, const std::string& text, std::span<const Value> args,
           std::span<const Value> columns)
      : statement(sql) {
    for (const Value& arg : args) {
      Slot& slot = in.emplace_back();
      slot.type = TypeOf(arg);
      if (slot.type == 1) statement.exchange(soci::use(slot.number, slot.indicator));
      if (slot.type == 2) statement.exchange(soci::use(slot.real, slot.indicator));
      if (slot.type == 3) statement.exchange(soci::use(slot.text, slot.indicator));
    }
    for (const Value& column : columns) {
      Slot& slot = out.emplace_back();
      slot.type = TypeOf(column);
      if (slot.type == 1) statement.exchange(soci::into(slot.number, slot.indicator));
      if (slot.type == 2) statement.exchange(soci::into(slot.real, slot.indicator));
      if (slot.type == 3) statement.exchange(soci::into(slot.text, slot.indicator));
    }
    statement.alloc();
    statement.prepare(text);
    statement.define_and_bind();
  }

  // A statement that returned rows nobody asked for would otherwise stay in progress.
  // (SOCI's own reset is not exported.)
  void Reset() {
    sqlite_api::sqlite3_reset(
        static_cast<soci::sqlite3_statement_backend*>(statement.get_backend())->stmt_);
  }

  std::deque<Slot> in;
  std::deque<Slot> out;
  soci::statement statement;  // after the slots: it is destroyed first
};

struct Connection::Session {
  soci::session sql;
  int log_pages = 0;
  std::unordered_map<std::string, std::unique_ptr<Prepared>> prepared;

  sqlite_api::sqlite3* handle() {
    return static_cast<soci::sqlite3_session_backend*>(sql.get_backend())->conn_;
  }
};

Connection::Connection(std::unique_ptr<Session> session) : session_(std::move(session)) {}

Connection::~Connection() {
  // Folding the log into the file would sync again what failed to be synced.
  if (faulted_) KeepLogAtClose();
  session_->prepared.clear();
  try {
    session_->sql.close();
  } catch (const std::exception&) {
    // Nothing is left to be done with it.
  }
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& path,
                                                             Access access) {
  if (absl::StrContains(path, '"')) {
    return absl::InvalidArgumentError(absl::StrCat("database path has a quote: ", path));
  }
  std::unique_ptr<Connection> connection(new Connection(std::make_unique<Session>()));
  std::string target = absl::StrCat("dbname=\"", path, "\" timeout=5");
  if (access == Access::kReader) absl::StrAppend(&target, " readonly=true");
  try {
    connection->session_->sql.open(soci::sqlite3, target);
  } catch (const std::exception& e) {
    return absl::DataLossError(absl::StrCat("cannot open database ", path, ": ", e.what()));
  }
  RETURN_IF_ERROR(connection->SetUp(access));
  return connection;
}

absl::Status Connection::SetUp(Access access) {
  sqlite_api::sqlite3_extended_result_codes(session_->handle(), 1);
  if (access == Access::kReader) {
    KeepLogAtClose();
    return Run("PRAGMA wal_autocheckpoint=0");
  }
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
  sqlite_api::sqlite3_wal_hook(session_->handle(), NoteLog, &session_->log_pages);
  return absl::OkStatus();
}

int Connection::log_pages() const { return session_->log_pages; }

absl::Status Connection::Checkpoint() {
  const int code = sqlite_api::sqlite3_wal_checkpoint_v2(
      session_->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code == SQLITE_OK) return absl::OkStatus();
  return Fail("checkpoint", sqlite_api::sqlite3_errmsg(session_->handle()), code);
}

void Connection::KeepLogAtClose() {
  sqlite_api::sqlite3_db_config(session_->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

absl::StatusOr<Connection::Prepared*> Connection::Prepare(std::string_view sql,
                                                          std::span<const Value> args,
                                                          std::span<const Value> columns) {
  auto& cache = session_->prepared;
  std::string key = CacheKey(sql, args, columns);
  if (auto found = cache.find(key); found != cache.end()) return found->second.get();
  if (cache.size() >= kMaxPrepared) cache.clear();
  auto made = std::make_unique<Prepared>(session_->sql, std::string(sql), args, columns);
  return cache.emplace(std::move(key), std::move(made)).first->second.get();
}

absl::Status Connection::Run(std::string_view sql, std::span<const Value> args,
                             std::span<const Value> columns,
                             absl::FunctionRef<void(std::span<Value>)> row, int64_t* changed) {
  try {
    ASSIGN_OR_RETURN(Prepared * prepared, Prepare(sql, args, columns));
    for (size_t i = 0; i < args.size(); ++i) prepared->in[i].Set(args[i]);
    if (columns.empty()) {
      prepared->statement.execute(true);
      if (changed != nullptr) *changed = prepared->statement.get_affected_rows();
      prepared->Reset();
      return absl::OkStatus();
    }
    std::vector<Value> values(columns.size());
    prepared->statement.execute(false);
    while (prepared->statement.fetch()) {
      for (size_t i = 0; i < values.size(); ++i) values[i] = prepared->out[i].Get();
      row(values);
    }
    prepared->Reset();
    return absl::OkStatus();
  } catch (const soci::sqlite3_soci_error& e) {
    return Fail(sql, e.what(), e.result());
  } catch (const std::exception& e) {
    return Fail(sql, e.what(), SQLITE_ERROR);
  }
}

absl::Status Connection::Run(std::string_view sql) {
  return Run(
      sql, {}, {}, [](std::span<Value>) {}, nullptr);
}

absl::Status Connection::Fail(std::string_view sql, const char* what, int code) {
  // SOCI keeps the plain code at most; the connection knows the extended one.
  const int extended = sqlite_api::sqlite3_extended_errcode(session_->handle());
  if (extended != SQLITE_OK && extended != SQLITE_ROW && extended != SQLITE_DONE) code = extended;
  faulted_ = faulted_ || IsFault(code);
  // A failed statement is not used again: its state is unknown.
  session_->prepared.clear();
  return absl::Status(CodeOf(code), absl::StrCat("database: ", what, " (", code,
                                                 ") in: ", std::string(sql.substr(0, 120))));
}

absl::Status ReadTx::Run(std::string_view sql, std::span<const Value> args,
                         std::span<const Value> columns,
                         absl::FunctionRef<void(std::span<Value>)> row, int64_t* changed) {
  return connection_.Run(sql, args, columns, row, changed);
}

}  // namespace gradus::store
