// SPDX-License-Identifier: Apache-2.0
#include "server/store/copy_store.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "server/store/connection.h"
#include "server/store/migrations.h"

namespace gradus::store {
namespace {

// Rows of one INSERT, and of one look at the copy.
constexpr size_t kRowsAtOnce = 64;
constexpr int kFetchAtOnce = 1000;

struct Table {
  std::string name;
  std::vector<std::string> columns;
  std::vector<Value> types;  // a value of each column's type
  std::vector<std::string> order;
  std::set<std::string> needs;  // the tables that its rows name
};

using RowFunction = absl::FunctionRef<void(std::span<Value>)>;

absl::Status Each(Connection& connection, const std::string& sql, const std::string& argument,
                  std::span<const Value> columns, RowFunction row) {
  std::vector<Value> args;
  if (!argument.empty()) args.emplace_back(argument);
  return connection.Run(sql, args, columns, row, nullptr);
}

absl::Status Describe(Connection& source, Table& table) {
  const Value text[] = {std::string(), std::string(), int64_t{0}};
  bool known = true;
  RETURN_IF_ERROR(Each(source, "SELECT name, type, pk FROM pragma_table_info(:name) ORDER BY cid",
                       table.name, text, [&](std::span<Value> row) {
                         const auto& name = std::get<std::string>(row[0]);
                         const auto& type = std::get<std::string>(row[1]);
                         table.columns.push_back(name);
                         known = known && (type == "BIGINT" || type == "TEXT");
                         table.types.push_back(type == "BIGINT" ? Value(int64_t{0})
                                                                : Value(std::string()));
                         if (std::get<int64_t>(row[2]) > 0) table.order.push_back(name);
                       }));
  if (!known) return absl::InternalError(absl::StrCat("table ", table.name, " has other types"));
  if (table.order.empty()) table.order = table.columns;
  const Value name[] = {std::string()};
  return Each(source, "SELECT \"table\" FROM pragma_foreign_key_list(:name)", table.name, name,
              [&](std::span<Value> row) { table.needs.insert(std::get<std::string>(row[0])); });
}

// Each after those that its rows name.
absl::StatusOr<std::vector<Table>> Tables(Connection& source) {
  std::vector<Table> left;
  const Value name[] = {std::string()};
  RETURN_IF_ERROR(Each(source,
                       "SELECT name FROM sqlite_master WHERE type = 'table'"
                       " AND name NOT LIKE 'sqlite%' ORDER BY name",
                       "", name, [&](std::span<Value> row) {
                         left.emplace_back().name = std::get<std::string>(row[0]);
                       }));
  for (Table& table : left) RETURN_IF_ERROR(Describe(source, table));
  std::vector<Table> sorted;
  std::set<std::string> done;
  while (!left.empty()) {
    const auto next = std::find_if(left.begin(), left.end(), [&](const Table& table) {
      return std::includes(done.begin(), done.end(), table.needs.begin(), table.needs.end());
    });
    if (next == left.end()) return absl::InternalError("tables that name each other");
    done.insert(next->name);
    sorted.push_back(std::move(*next));
    left.erase(next);
  }
  return sorted;
}

// Of rows: types and lengths are hashed too, so that no two tables look alike.
class RowHash {
 public:
  void Add(std::span<const Value> row) {
    ++rows_;
    for (const Value& value : row) {
      std::string text;
      if (const auto* number = std::get_if<int64_t>(&value)) text = absl::StrCat("i", *number);
      if (const auto* chars = std::get_if<std::string>(&value))
        text = absl::StrCat("t", chars->size(), ":", *chars);
      text.push_back('\n');
      hash_.Update(text);
    }
  }
  CopiedTable End(const std::string& name) { return {name, rows_, base::ToHex(hash_.Finish())}; }

 private:
  int64_t rows_ = 0;
  base::Sha256 hash_;
};

std::string Select(const Table& table) {
  return absl::StrCat("SELECT ", absl::StrJoin(table.columns, ", "), " FROM ", table.name,
                      " ORDER BY ", absl::StrJoin(table.order, ", "));
}

absl::Status Insert(Connection& target, const Table& table, std::span<const Value> values) {
  std::string sql = absl::StrCat("INSERT INTO ", table.name, " (",
                                 absl::StrJoin(table.columns, ", "), ") VALUES ");
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t column = i % table.columns.size();
    absl::StrAppend(&sql, column > 0 ? ", " : i > 0 ? "), (" : "(", ":v", i);
  }
  return target.Run(
      absl::StrCat(sql, ")"), values, {}, [](std::span<Value>) {}, nullptr);
}

absl::StatusOr<CopiedTable> CopyTable(Connection& source, Connection& target, const Table& table) {
  RowHash hash;
  std::vector<Value> waiting;
  absl::Status status;
  RETURN_IF_ERROR(Each(source, Select(table), "", table.types, [&](std::span<Value> row) {
    if (!status.ok()) return;
    hash.Add(row);
    waiting.insert(waiting.end(), row.begin(), row.end());
    if (waiting.size() < kRowsAtOnce * table.columns.size()) return;
    status = Insert(target, table, waiting);
    waiting.clear();
  }));
  if (status.ok() && !waiting.empty()) status = Insert(target, table, waiting);
  RETURN_IF_ERROR(status);
  return hash.End(table.name);
}

// By a cursor: the whole table may be larger than memory.
absl::StatusOr<CopiedTable> ReadBack(Connection& target, const Table& table) {
  RowHash hash;
  const std::string cursor = absl::StrCat("copied_", table.name);
  RETURN_IF_ERROR(target.Run(absl::StrCat("DECLARE ", cursor, " CURSOR FOR ", Select(table))));
  int fetched = kFetchAtOnce;
  while (fetched == kFetchAtOnce) {
    fetched = 0;
    RETURN_IF_ERROR(Each(target, absl::StrCat("FETCH ", kFetchAtOnce, " FROM ", cursor), "",
                         table.types, [&](std::span<Value> row) {
                           ++fetched;
                           hash.Add(row);
                         }));
  }
  RETURN_IF_ERROR(target.Run(absl::StrCat("CLOSE ", cursor)));
  return hash.End(table.name);
}

absl::StatusOr<std::vector<CopiedTable>> CopyTables(Connection& source, Connection& target) {
  ASSIGN_OR_RETURN(const std::vector<Table> tables, Tables(source));
  // What migrations put into new tables is in the source too.
  for (auto table = tables.rbegin(); table != tables.rend(); ++table)
    RETURN_IF_ERROR(target.Run(absl::StrCat("DELETE FROM ", table->name)));
  std::vector<CopiedTable> copied;
  for (const Table& table : tables) {
    ASSIGN_OR_RETURN(const CopiedTable was, CopyTable(source, target, table));
    ASSIGN_OR_RETURN(const CopiedTable is, ReadBack(target, table));
    if (was.rows != is.rows || was.sha256 != is.sha256) {
      return absl::DataLossError(absl::StrCat(
          "table ", table.name, " was not copied as it is: ", was.rows, " rows became ", is.rows));
    }
    copied.push_back(was);
  }
  return copied;
}

absl::StatusOr<std::vector<CopiedTable>> CopyInto(Connection& source, Connection& target) {
  ASSIGN_OR_RETURN(const int found, SchemaVersion(target));
  if (found != 0) {
    return absl::FailedPreconditionError(
        "the target is the store of a lab already: it has to be a database without tables of ours");
  }
  ASSIGN_OR_RETURN(const int version, SchemaVersion(source));
  const int newest = Migrations().back().version;
  if (version != newest) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the file has schema version ", version, ", this program moves version ", newest,
        version < newest ? ": start gradusd on it once" : ": a newer gradusd wrote it"));
  }
  for (const Migration& migration : Migrations())
    RETURN_IF_ERROR(ApplyStatements(target, migration));
  return CopyTables(source, target);
}

}  // namespace

absl::StatusOr<std::vector<CopiedTable>> CopyStore(const std::string& path,
                                                   const std::string& url) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return absl::NotFoundError(absl::StrCat("there is no file ", path));
  ASSIGN_OR_RETURN(const auto source, Connection::Open(path, Access::kReader));
  ASSIGN_OR_RETURN(const auto target, Connection::Open(url, Access::kWriter));
  RETURN_IF_ERROR(source->Begin());
  absl::Status begun = target->Begin();
  if (!begun.ok()) {
    source->Rollback();
    return begun;
  }
  absl::StatusOr<std::vector<CopiedTable>> copied = CopyInto(*source, *target);
  source->Rollback();
  const absl::Status kept = copied.ok() ? target->Commit() : copied.status();
  if (!kept.ok()) {
    target->Rollback();
    return kept;
  }
  return copied;
}

}  // namespace gradus::store
