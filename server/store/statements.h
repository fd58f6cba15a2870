// SPDX-License-Identifier: Apache-2.0
// Prepared statements of one SOCI session: typed values in, typed values out. What the engines have
// in common; only their connections include it.
#pragma once

#include <soci/soci.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/functional/function_ref.h"
#include "server/store/tx.h"

namespace gradus::store {

//   Owns     the statements. The session must outlive it.
//   Threads  one at a time.
//   Errors   what SOCI throws; the failed statement is not used again.
class Statements {
 public:
  // `reset` is called with each statement that has run to its end.
  Statements(soci::session& session, void (*reset)(soci::statement&));
  ~Statements();

  // As Connection::Run.
  void Run(std::string_view sql, std::span<const Value> args, std::span<const Value> columns,
           absl::FunctionRef<void(std::span<Value>)> row, int64_t* changed);

  void DropAll();
  // Those that failed; until then they lie about.
  void DropFailed();

 private:
  struct Prepared;

  Prepared& Prepare(const std::string& key, std::string_view sql, std::span<const Value> args,
                    std::span<const Value> columns);
  void Execute(Prepared& prepared, std::span<const Value> args, std::span<const Value> columns,
               absl::FunctionRef<void(std::span<Value>)> row, int64_t* changed);

  soci::session& session_;
  void (*const reset_)(soci::statement&);
  std::unordered_map<std::string, std::unique_ptr<Prepared>> prepared_;
  std::vector<std::unique_ptr<Prepared>> failed_;
};

// An exception's words without the values that SOCI puts behind them.
std::string WordsOf(const std::exception& error);

// The start of a statement, for messages.
std::string Beginning(std::string_view sql);

}  // namespace gradus::store
