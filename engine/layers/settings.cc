// SPDX-License-Identifier: Apache-2.0
// Checks of settings that several kinds have.
#include "engine/layers/settings.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::layers {

absl::Status CheckRate(bool given, double rate) {
  if (given && rate >= 0 && rate <= 1) return absl::OkStatus();
  return base::InvalidArgument("rate", given ? absl::StrCat(rate) : "nothing",
                               "a number from 0 to 1");
}

absl::Status CheckRateBelowOne(bool given, double rate) {
  if (given && rate >= 0 && rate < 1) return absl::OkStatus();
  return base::InvalidArgument("rate", given ? absl::StrCat(rate) : "nothing",
                               "a number from 0 to less than 1");
}

absl::Status CheckFloat(absl::string_view path, double value) {
  if (std::isfinite(static_cast<float>(value))) return absl::OkStatus();
  return base::InvalidArgument(path, absl::StrCat(value), "a finite number of at most 3.4e38");
}

absl::Status CheckAtLeast(absl::string_view path, double value, double least) {
  if (value >= least && std::isfinite(static_cast<float>(value))) return absl::OkStatus();
  return base::InvalidArgument(path, absl::StrCat(value),
                               absl::StrCat("a finite number from ", least, " on"));
}

absl::StatusOr<size_t> AxisOf(absl::string_view path, int64_t axis, size_t rank) {
  const auto axes = static_cast<int64_t>(rank);
  if (axis >= 1 && axis <= axes) return static_cast<size_t>(axis - 1);
  if (axis <= -1 && axis >= -axes) return static_cast<size_t>(axis + axes);
  return base::InvalidArgument(
      path, absl::StrCat(axis),
      absl::StrCat("an axis of an input with ", axes, axes == 1 ? " axis" : " axes", ": 1 to ",
                   axes, ", or -", axes, " to -1 from the end; 0 is the batch"));
}

}  // namespace gradus::layers
