// SPDX-License-Identifier: Apache-2.0
// Checks of numbers that people write.
#include "engine/base/ranges.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::base {

absl::Status CheckNotNegative(absl::string_view path, double value) {
  if (std::isfinite(value) && value >= 0) return absl::OkStatus();
  return InvalidArgument(path, absl::StrCat(value), "a finite number, 0 or more");
}

absl::Status CheckPositive(absl::string_view path, double value) {
  if (std::isfinite(value) && static_cast<float>(value) > 0) return absl::OkStatus();
  return InvalidArgument(path, absl::StrCat(value), "a finite number above 0");
}

absl::Status CheckShare(absl::string_view path, double value) {
  if (value >= 0 && value <= 1) return absl::OkStatus();
  return InvalidArgument(path, absl::StrCat(value), "a number from 0 to 1");
}

absl::Status CheckCount(absl::string_view path, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return InvalidArgument(path, absl::StrCat(value),
                         absl::StrCat("a number from ", least, " to ", most));
}

}  // namespace gradus::base
