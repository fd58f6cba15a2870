// SPDX-License-Identifier: Apache-2.0
// Durations, read and written.
#include "engine/base/duration.h"

#include <array>
#include <limits>

#include "absl/strings/str_cat.h"
#include "engine/base/decimal.h"

namespace gradus::base {
namespace {

struct Unit {
  std::string_view name;
  uint64_t micros;
};

// Descending.
constexpr std::array<Unit, 6> kUnits = {{{"d", 86400ULL * 1000000},
                                         {"h", 3600ULL * 1000000},
                                         {"m", 60ULL * 1000000},
                                         {"s", 1000000},
                                         {"ms", 1000},
                                         {"us", 1}}};

absl::Status Refuse(std::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", std::string(text.substr(0, 80)), "\" is not a time such as 2h, 90s, 1h30m or 250ms"));
}

}  // namespace

absl::StatusOr<int64_t> ParseDuration(std::string_view text) {
  if (text == "0") return 0;
  if (text.empty()) return Refuse(text);
  std::string_view rest = text;
  uint64_t sum = 0;
  size_t next_unit = 0;
  while (!rest.empty()) {
    const auto number = TakeDecimal(rest);
    if (!number.has_value()) return Refuse(text);
    const std::string_view name = rest.substr(0, rest.find_first_of("0123456789"));
    rest.remove_prefix(name.size());
    while (next_unit < kUnits.size() && kUnits[next_unit].name != name) ++next_unit;
    if (next_unit == kUnits.size()) return Refuse(text);
    const auto part = number->Times(kUnits[next_unit++].micros);
    constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    if (!part.has_value() || *part > kMax - sum) return Refuse(text);
    sum += *part;
  }
  return static_cast<int64_t>(sum);
}

std::string FormatDuration(int64_t micros) {
  if (micros == 0) return "0s";
  // Unsigned, because the least int64 has no negative.
  uint64_t rest = micros < 0 ? 0 - static_cast<uint64_t>(micros) : static_cast<uint64_t>(micros);
  std::string text = micros < 0 ? "-" : "";
  for (const Unit& unit : kUnits) {
    if (rest >= unit.micros) absl::StrAppend(&text, rest / unit.micros, std::string(unit.name));
    rest %= unit.micros;
  }
  return text;
}

}  // namespace gradus::base
