// SPDX-License-Identifier: Apache-2.0
// What a process says of itself: one JSON object a line on standard error.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gradus::base {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// One named value. A key that speaks of a token, secret, password or private key has its value
// replaced by "[redacted]".
class LogField {
 public:
  using Value = std::variant<bool, int64_t, uint64_t, double, std::string>;

  LogField(std::string_view key, bool value) : key_(key), value_(value) {}
  template <std::integral T>
  LogField(std::string_view key, T value) : key_(key), value_(Widen(value)) {}
  LogField(std::string_view key, double value) : key_(key), value_(value) {}
  LogField(std::string_view key, std::string value) : key_(key), value_(std::move(value)) {}
  LogField(std::string_view key, std::string_view value) : key_(key), value_(std::string(value)) {}
  LogField(std::string_view key, const char* value) : key_(key), value_(std::string(value)) {}
  LogField(std::string_view key, const absl::Status& status)
      : key_(key), value_(status.ToString()) {}

  const std::string& key() const { return key_; }
  const Value& value() const { return value_; }

 private:
  template <std::integral T>
  static Value Widen(T value) {
    if constexpr (std::signed_integral<T>)
      return static_cast<int64_t>(value);
    else
      return static_cast<uint64_t>(value);
  }

  std::string key_;
  Value value_;
};

// Writes {"ts":"2024-05-01T12:00:00.000001Z","level":"info","msg":MESSAGE,FIELDS...}; a field named
// like one of these three gets a "_" behind it. The message is a constant sentence, what varies are
// fields. Never pass a secret.
//   Threads  any; lines are whole.
void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

inline void LogDebug(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kDebug, message, fields);
}
inline void LogInfo(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kInfo, message, fields);
}
inline void LogWarning(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kWarning, message, fields);
}
inline void LogError(std::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kError, message, fields);
}

// Lines below `level` are not written; kInfo at first.
void SetLogLevel(LogLevel level);
// "debug", "info", "warning" or "error".
absl::StatusOr<LogLevel> ParseLogLevel(std::string_view name);

// Where lines go instead of standard error (without their line feeds); an empty function puts
// standard error back. For tests.
void SetLogSink(std::function<void(std::string_view line)> sink);

}  // namespace gradus::base
