// SPDX-License-Identifier: Apache-2.0
#include "server/store/statements.h"

#include <deque>
#include <utility>

namespace gradus::store {
namespace {

// Above this many (made from lists of varying length) all are dropped.
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

}  // namespace

struct Statements::Prepared {
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

  std::deque<Slot> in;
  std::deque<Slot> out;
  soci::statement statement;  // after the slots: it is destroyed first
};

Statements::Statements(soci::session& session, void (*reset)(soci::statement&))
    : session_(session), reset_(reset) {}

Statements::~Statements() = default;

void Statements::DropAll() {
  prepared_.clear();
  failed_.clear();
}

void Statements::DropFailed() { failed_.clear(); }

Statements::Prepared& Statements::Prepare(const std::string& key, std::string_view sql,
                                          std::span<const Value> args,
                                          std::span<const Value> columns) {
  if (const auto found = prepared_.find(key); found != prepared_.end()) return *found->second;
  if (prepared_.size() >= kMaxPrepared) prepared_.clear();
  auto made = std::make_unique<Prepared>(session_, std::string(sql), args, columns);
  return *prepared_.emplace(key, std::move(made)).first->second;
}

void Statements::Execute(Prepared& prepared, std::span<const Value> args,
                         std::span<const Value> columns,
                         absl::FunctionRef<void(std::span<Value>)> row, int64_t* changed) {
  for (size_t i = 0; i < args.size(); ++i) prepared.in[i].Set(args[i]);
  if (columns.empty()) {
    prepared.statement.execute(true);
    if (changed != nullptr) *changed = prepared.statement.get_affected_rows();
  } else {
    std::vector<Value> values(columns.size());
    prepared.statement.execute(false);
    while (prepared.statement.fetch()) {
      for (size_t i = 0; i < values.size(); ++i) values[i] = prepared.out[i].Get();
      row(values);
    }
  }
  reset_(prepared.statement);
}

void Statements::Run(std::string_view sql, std::span<const Value> args,
                     std::span<const Value> columns, absl::FunctionRef<void(std::span<Value>)> row,
                     int64_t* changed) {
  const std::string key = CacheKey(sql, args, columns);
  Prepared& prepared = Prepare(key, sql, args, columns);
  try {
    Execute(prepared, args, columns, row, changed);
  } catch (...) {
    // Its state is unknown.
    auto node = prepared_.extract(key);
    if (!node.empty()) failed_.push_back(std::move(node.mapped()));
    throw;
  }
}

std::string WordsOf(const std::exception& error) {
  const auto* of_soci = dynamic_cast<const soci::soci_error*>(&error);
  return of_soci != nullptr ? of_soci->get_error_message() : error.what();
}

std::string Beginning(std::string_view sql) { return std::string(sql.substr(0, 120)); }

}  // namespace gradus::store
