// SPDX-License-Identifier: Apache-2.0
// Formats for people.
#include "client/cli/text.h"

#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace gradus::cli {
namespace {

absl::Time ToTime(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

}  // namespace

std::string Grouped(int64_t number) {
  std::string digits = absl::StrCat(number);
  const std::ptrdiff_t sign = number < 0 ? 1 : 0;
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > sign; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

std::string ByteSize(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  return absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

std::string Metric(double value) {
  const double size = std::abs(value);
  if (std::isfinite(value) && size != 0 && (size < 1e-3 || size >= 1e6))
    return absl::StrFormat("%.4e", value);
  return absl::StrFormat("%.4f", value);
}

std::string Clock(absl::Duration duration) {
  const int64_t seconds = std::max<int64_t>(0, absl::ToInt64Seconds(duration));
  if (seconds < 3600) return absl::StrFormat("%d:%02d", seconds / 60, seconds % 60);
  return absl::StrFormat("%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string Lasting(absl::Duration duration) {
  const double exact = absl::ToDoubleSeconds(duration);
  if (exact < 10) return absl::StrFormat("%.1f s", exact);
  const auto seconds = static_cast<int64_t>(std::llround(exact));
  if (seconds < 60) return absl::StrCat(seconds, " s");
  if (seconds < 3600) return absl::StrCat(seconds / 60, " min ", seconds % 60, " s");
  return absl::StrCat(seconds / 3600, " h ", seconds / 60 % 60, " min");
}

std::string LocalTime(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", ToTime(time), absl::LocalTimeZone());
}

std::string CamelCase(absl::string_view word) {
  std::string result;
  bool upper = true;
  for (const char c : word) {
    if (c == '_') {
      upper = true;
      continue;
    }
    result += upper ? absl::ascii_toupper(static_cast<unsigned char>(c)) : c;
    upper = false;
  }
  return result;
}

absl::Duration Between(const google::protobuf::Timestamp& from,
                       const google::protobuf::Timestamp& to) {
  return std::max(absl::ZeroDuration(), ToTime(to) - ToTime(from));
}

}  // namespace gradus::cli
