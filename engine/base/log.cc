// SPDX-License-Identifier: Apache-2.0
// Log lines: made by nlohmann-json, written by spdlog.
#include "engine/base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <ctime>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/base/clock.h"
#include "engine/base/mutex.h"

namespace gradus::base {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};

std::atomic<LogLevel> least_level{LogLevel::kInfo};

// Hands whole lines to a function.
class FunctionSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(std::function<void(std::string_view)> function)
      : function_(std::move(function)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    function_({message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

  const std::function<void(std::string_view)> function_;
};

std::shared_ptr<spdlog::logger> MakeLogger(spdlog::sink_ptr sink) {
  auto logger = std::make_shared<spdlog::logger>("gradus", std::move(sink));
  logger->set_pattern("%v");
  logger->set_level(spdlog::level::trace);
  return logger;
}

// The logger in use. Never destroyed: threads may log while the process ends.
struct Current {
  Mutex mu;
  std::shared_ptr<spdlog::logger> logger ABSL_GUARDED_BY(mu) =
      MakeLogger(std::make_shared<spdlog::sinks::stderr_sink_mt>());
};

Current& TheCurrent() {
  static Current& current = *new Current;
  return current;
}

std::string Timestamp(int64_t micros) {
  const std::time_t seconds = micros / 1000000;
  std::tm utc = {};
  ::gmtime_r(&seconds, &utc);
  return absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", utc.tm_year + 1900, utc.tm_mon + 1,
                         utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, micros % 1000000);
}

bool IsSecret(const std::string& key) {
  const std::string lower = absl::AsciiStrToLower(key);
  for (const char* word :
       {"token", "secret", "password", "key_pem", "private_key", "authorization"}) {
    if (absl::StrContains(lower, word)) return true;
  }
  return false;
}

std::string LineOf(LogLevel level, std::string_view message,
                   std::initializer_list<LogField> fields) {
  Json line;
  line["ts"] = Timestamp(RealClock().NowMicros());
  line["level"] = kLevelNames[static_cast<size_t>(level)];
  line["msg"] = message;
  for (const LogField& field : fields) {
    const bool taken = field.key() == "ts" || field.key() == "level" || field.key() == "msg";
    Json& slot = line[taken ? field.key() + "_" : field.key()];
    if (IsSecret(field.key())) {
      slot = "[redacted]";
    } else {
      std::visit([&slot](const auto& value) { slot = value; }, field.value());
    }
  }
  // What is not UTF-8 is replaced rather than refused: a log line must not fail.
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (level < least_level.load(std::memory_order_relaxed)) return;
  Current& current = TheCurrent();
  std::shared_ptr<spdlog::logger> logger;
  {
    const MutexLock lock(current.mu);
    logger = current.logger;
  }
  const std::string line = LineOf(level, message, fields);
  logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

void SetLogLevel(LogLevel level) { least_level.store(level); }

absl::StatusOr<LogLevel> ParseLogLevel(std::string_view name) {
  for (size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] == name) return static_cast<LogLevel>(i);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", std::string(name), "\" is not one of debug, info, warning, error"));
}

void SetLogSink(std::function<void(std::string_view line)> sink) {
  auto logger = sink ? MakeLogger(std::make_shared<FunctionSink>(std::move(sink)))
                     : MakeLogger(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  Current& current = TheCurrent();
  const MutexLock lock(current.mu);
  current.logger = std::move(logger);
}

}  // namespace gradus::base
