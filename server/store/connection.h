// SPDX-License-Identifier: Apache-2.0
// One connection to the database, whichever engine keeps it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/tx.h"

namespace gradus::store {

enum class Access { kWriter, kReader };

// Statements are prepared once and kept.
//   Threads  one at a time.
//   Errors   as ReadTx; the message has the failing statement, never its values.
class Connection {
 public:
  // `where`: the path of SQLite's file, or postgresql://... (postgres_url.h). A writer makes the
  // file when it is missing, and is the only one that checkpoints its log; open it before any
  // reader.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& where, Access access);
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Begins a transaction. A writer's is the only one that writes, among those of all processes: it
  // sees every commit before it. A reader's is a snapshot. Nothing has begun after an error.
  virtual absl::Status Begin() = 0;
  // OK once it is durable; call Rollback after an error. UNAVAILABLE where the connection was lost
  // meanwhile: it may have been stored, or not.
  virtual absl::Status Commit() = 0;
  virtual void Rollback() = 0;

  // Binds `args`, calls `row` with each row's values (types as in `columns`), and tells how many
  // rows changed.
  virtual absl::Status Run(std::string_view sql, std::span<const Value> args,
                           std::span<const Value> columns,
                           absl::FunctionRef<void(std::span<Value>)> row, int64_t* changed) = 0;
  // A statement without parameters and rows.
  absl::Status Run(std::string_view sql);

  // Within a writer's transaction: has everybody who listens on this database (announcements.h)
  // told `text` after the commit. On SQLite nobody else is there.
  virtual absl::Status Announce(const std::string& text) {
    static_cast<void>(text);
    return absl::OkStatus();
  }
  // Microseconds since 1970 by the database's clock, which is one for all programs on it.
  virtual absl::StatusOr<int64_t> NowMicros() = 0;

  virtual absl::StatusOr<bool> HasTable(const std::string& name) = 0;
  // A migration's statement as this engine has to be told it.
  virtual std::string Definition(const std::string& sql) const { return sql; }
  // What the engine finds wrong with what it keeps, a sentence each.
  virtual absl::StatusOr<std::vector<std::string>> CheckItself() = 0;
  // A consistent copy of the whole database, as a file that must not exist.
  virtual absl::Status CopyTo(const std::string& path) = 0;

  // The next three are about the log beside SQLite's file; elsewhere there is nothing to do.
  // Makes durable what a process that died left in it. Before any reader is opened.
  virtual absl::Status TakeUpLog() { return absl::OkStatus(); }
  // Copies what the log holds into the file, as far as no reader needs the older pages; where it is
  // short, only if `whole`. SQLite would do so by itself, but keep a failure to itself and try
  // again at the next commit.
  virtual absl::Status FoldLog(bool whole) {
    static_cast<void>(whole);
    return absl::OkStatus();
  }
  // Leaves the log as it is at close: after a fault nothing more may be written.
  virtual void KeepLogAtClose() {}

  // Whether a call met a fault of the file (failed IO, full disk, damage, a failed commit) rather
  // than of a statement. A database server keeps itself whole, so there it is never true.
  virtual bool faulted() const { return false; }

 protected:
  Connection() = default;
};

}  // namespace gradus::store
