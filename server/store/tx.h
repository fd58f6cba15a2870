// SPDX-License-Identifier: Apache-2.0
// SQL as the rest of the server speaks it: statements with typed parameters and columns inside one
// transaction, statuses instead of exceptions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/status.h"

namespace gradus::store {

class Connection;

// A parameter or a column's value; monostate is NULL. Bytes travel as base64 text (see codec.h):
// SQL keeps no binary.
using Value = std::variant<std::monostate, int64_t, double, std::string>;

namespace internal {
template <typename T>
Value ToValue(const T& value);
template <typename T>
T FromValue(Value&& value);
template <typename T>
Value Sample();
template <typename... Columns, size_t... I>
std::tuple<Columns...> FromRow(std::span<Value> row, std::index_sequence<I...>) {
  return std::tuple<Columns...>(FromValue<Columns>(std::move(row[I]))...);
}
}  // namespace internal

// Queries within one snapshot of the database.
//   SQL      parameters are written :name and bound in the order of the arguments, each name once.
//   Only what
//            SQLite and PostgreSQL both understand.
//   Columns  int64_t, double, std::string, and std::optional of these where NULL may come; other
//   NULLs read
//            as 0 or "".
//   Threads  the one that the transaction's function runs on; not after that function returned.
//   Errors   ALREADY_EXISTS for a broken unique key, FAILED_PRECONDITION for another broken
//   constraint,
//            DATA_LOSS for a damaged or unwritable file, UNAVAILABLE where a database server cannot
//            be reached or is too busy. After any error the transaction does nothing more and its
//            function has to return one.
class ReadTx {
 public:
  explicit ReadTx(Connection& connection) : connection_(connection) {}
  ReadTx(const ReadTx&) = delete;
  ReadTx& operator=(const ReadTx&) = delete;

  // All rows. Bound what a hostile or long table may return by LIMIT.
  template <typename... Columns, typename... Args>
  absl::StatusOr<std::vector<std::tuple<Columns...>>> Query(std::string_view sql,
                                                            const Args&... args) {
    std::vector<std::tuple<Columns...>> rows;
    const Value columns[] = {internal::Sample<Columns>()...};
    const std::vector<Value> values = {internal::ToValue(args)...};
    RETURN_IF_ERROR(Run(sql, values, columns, [&rows](std::span<Value> row) {
      rows.push_back(internal::FromRow<Columns...>(row, std::index_sequence_for<Columns...>()));
    }));
    return rows;
  }

  // The first row, or nothing.
  template <typename... Columns, typename... Args>
  absl::StatusOr<std::optional<std::tuple<Columns...>>> QueryOne(std::string_view sql,
                                                                 const Args&... args) {
    ASSIGN_OR_RETURN(auto rows, Query<Columns...>(sql, args...));
    if (rows.empty()) return std::nullopt;
    return std::move(rows.front());
  }

  // Microseconds since 1970 by the database's clock, as of now.
  absl::StatusOr<int64_t> DatabaseNow();

  // What the engine finds wrong with what it keeps, a sentence each.
  absl::StatusOr<std::vector<std::string>> CheckDatabase();

 protected:
  absl::Status Run(std::string_view sql, std::span<const Value> args,
                   std::span<const Value> columns, absl::FunctionRef<void(std::span<Value>)> row,
                   int64_t* changed = nullptr);
  bool failed() const { return failed_; }
  Connection& connection() { return connection_; }

 private:
  Connection& connection_;
  bool failed_ = false;  // a statement did
};

// One write transaction; what it does becomes visible and durable as a whole, or not at all.
class Tx : public ReadTx {
 public:
  // `sender`: whose announcements these are.
  Tx(Connection& connection, std::string_view sender) : ReadTx(connection), sender_(sender) {}

  template <typename... Args>
  absl::Status Execute(std::string_view sql, const Args&... args) {
    return Update(sql, args...).status();
  }

  // The number of rows that were inserted, changed or deleted.
  template <typename... Args>
  absl::StatusOr<int64_t> Update(std::string_view sql, const Args&... args) {
    const std::vector<Value> values = {internal::ToValue(args)...};
    int64_t changed = 0;
    RETURN_IF_ERROR(Run(
        sql, values, {}, [](std::span<Value>) {}, &changed));
    return changed;
  }

  // Has `hook` called after the commit, on the same thread, when no lock is held any more; never
  // when the transaction fails. Hooks may not fail.
  void OnCommit(std::function<void()> hook) { hooks_.push_back(std::move(hook)); }

  // Has the other servers on this store told after the commit (announcements.h): a topic, a word,
  // and what of it has changed; together at most 4 KiB.
  absl::Status Announce(std::string_view topic, const std::string& object);

 private:
  friend class Store;
  const std::string sender_;
  std::vector<std::function<void()>> hooks_;
};

namespace internal {

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <typename T>
Value ToValue(const T& value) {
  if constexpr (kIsOptional<T>) {
    return value.has_value() ? ToValue(*value) : Value();
  } else if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
    return static_cast<int64_t>(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<double>(value);
  } else {
    return std::string(std::string_view(value));
  }
}

template <typename T>
T FromValue(Value&& value) {
  if constexpr (kIsOptional<T>) {
    if (std::holds_alternative<std::monostate>(value)) return std::nullopt;
    return FromValue<typename T::value_type>(std::move(value));
  } else {
    T* held = std::get_if<T>(&value);
    return held != nullptr ? std::move(*held) : T();
  }
}

template <typename T>
Value Sample() {
  if constexpr (kIsOptional<T>) {
    return Sample<typename T::value_type>();
  } else {
    return T();
  }
}

}  // namespace internal
}  // namespace gradus::store
