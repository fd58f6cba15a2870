// SPDX-License-Identifier: Apache-2.0
#include "server/store/postgres_url.h"

#include <libpq-fe.h>

#include <map>
#include <memory>

#include "absl/strings/str_cat.h"

namespace gradus::store {
namespace {

constexpr char kPassword[] = "password";

// A server that is gone without a word is noticed within some ten seconds.
constexpr std::pair<const char*, const char*> kDefaults[] = {
    {"connect_timeout", "5"},  {"keepalives_idle", "5"},      {"keepalives_interval", "2"},
    {"keepalives_count", "3"}, {"tcp_user_timeout", "10000"}, {"application_name", "gradusd"},
};

std::string Escaped(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                       (byte >= 'A' && byte <= 'Z') || byte == '_' || byte == '-' || byte == '.';
    if (plain) {
      escaped.push_back(c);
    } else {
      escaped.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return escaped;
}

std::string Written(const std::map<std::string, std::string>& options) {
  std::string url = "postgresql://";
  char separator = '?';
  for (const auto& [key, value] : options) {
    absl::StrAppend(&url, std::string(1, separator), key, "=", Escaped(value));
    separator = '&';
  }
  return url;
}

// USER@HOST:PORT/DATABASE, as much as is given.
std::string Shown(const std::map<std::string, std::string>& options) {
  const auto get = [&options](const char* key) {
    const auto found = options.find(key);
    return found == options.end() ? std::string() : found->second;
  };
  std::string shown = "postgresql://";
  if (!get("user").empty()) absl::StrAppend(&shown, get("user"), "@");
  absl::StrAppend(&shown, get("host").empty() ? get("hostaddr") : get("host"));
  if (!get("port").empty()) absl::StrAppend(&shown, ":", get("port"));
  absl::StrAppend(&shown, "/", get("dbname"));
  return shown;
}

}  // namespace

bool IsPostgresUrl(std::string_view where) {
  return where.starts_with("postgresql://") || where.starts_with("postgres://");
}

absl::StatusOr<PostgresUrl> ReadPostgresUrl(const std::string& url) {
  char* words = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parsed(
      PQconninfoParse(url.c_str(), &words), PQconninfoFree);
  // They quote the address.
  PQfreemem(words);
  if (parsed == nullptr || !IsPostgresUrl(url)) {
    return absl::InvalidArgumentError(
        "not an address of a PostgreSQL database: postgresql://USER@HOST:PORT/DATABASE is one");
  }
  std::map<std::string, std::string> options;
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr && *option->val != '\0')
      options.emplace(option->keyword, option->val);
  }
  PostgresUrl result;
  result.has_password = options.contains(kPassword);
  result.shown = Shown(options);
  for (const auto& [key, value] : kDefaults) options.emplace(key, value);
  result.target = Written(options);
  return result;
}

}  // namespace gradus::store
