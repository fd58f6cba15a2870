// SPDX-License-Identifier: Apache-2.0
// Byte sizes, read and written.
#include "engine/base/byte_size.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "engine/base/decimal.h"

namespace gradus::base {
namespace {

struct Unit {
  std::string_view name;
  uint64_t bytes;
};

constexpr uint64_t kKi = 1024;
constexpr std::array<Unit, 15> kUnits = {{{"", 1},
                                          {"B", 1},
                                          {"kB", 1000},
                                          {"KB", 1000},
                                          {"MB", 1000ULL * 1000},
                                          {"GB", 1000ULL * 1000 * 1000},
                                          {"TB", 1000ULL * 1000 * 1000 * 1000},
                                          {"KiB", kKi},
                                          {"MiB", kKi* kKi},
                                          {"GiB", kKi* kKi* kKi},
                                          {"TiB", kKi* kKi* kKi* kKi},
                                          {"K", kKi},
                                          {"M", kKi* kKi},
                                          {"G", kKi* kKi* kKi},
                                          {"T", kKi* kKi* kKi* kKi}}};

}  // namespace

absl::StatusOr<uint64_t> ParseByteSize(std::string_view text) {
  std::string_view rest = text;
  if (const auto number = TakeDecimal(rest); number.has_value()) {
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    for (const Unit& unit : kUnits) {
      if (rest != unit.name) continue;
      if (const auto bytes = number->Times(unit.bytes); bytes.has_value()) return *bytes;
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", std::string(text.substr(0, 80)),
      "\" is not a size such as 4GiB, 512MiB, 1.5GB or a number of bytes, below 2^64"));
}

std::string FormatByteSize(uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kNames = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t power = 0;
  uint64_t unit = 1;
  while (power + 1 < kNames.size() && bytes / unit >= kKi) {
    unit *= kKi;
    ++power;
  }
  const uint64_t tenths = bytes % unit * 10 / unit;
  return absl::StrCat(bytes / unit, tenths == 0 ? "" : absl::StrCat(".", tenths),
                      std::string(kNames[power]));
}

}  // namespace gradus::base
