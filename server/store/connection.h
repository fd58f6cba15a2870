// SPDX-License-Identifier: Apache-2.0
// One connection to the database: the only place that speaks SOCI and sees its exceptions.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

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
  // A writer makes the file when it is missing, and is the only one that checkpoints the log; open
  // it before any reader.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& path, Access access);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Binds `args`, calls `row` with each row's values (types as in `columns`), and tells how many
  // rows changed.
  absl::Status Run(std::string_view sql, std::span<const Value> args,
                   std::span<const Value> columns, absl::FunctionRef<void(std::span<Value>)> row,
                   int64_t* changed);

  // A statement without parameters and rows.
  absl::Status Run(std::string_view sql);

  // Pages in the log after this writer's last commit.
  int log_pages() const;
  // Copies what the log holds into the file, as far as no reader needs the older pages. SQLite
  // would do so by itself, but keep a failure to itself and try again at the next commit.
  absl::Status Checkpoint();

  // Whether a call met a fault of the file (failed IO, full disk, damage) rather than of a
  // statement.
  bool faulted() const { return faulted_; }
  // Leaves the log as it is at close: after a fault nothing more may be written.
  void KeepLogAtClose();

 private:
  struct Session;
  struct Prepared;
  explicit Connection(std::unique_ptr<Session> session);
  absl::StatusOr<Prepared*> Prepare(std::string_view sql, std::span<const Value> args,
                                    std::span<const Value> columns);
  absl::Status Fail(std::string_view sql, const char* what, int code);
  absl::Status SetUp(Access access);

  std::unique_ptr<Session> session_;
  bool faulted_ = false;
};

}  // namespace gradus::store
