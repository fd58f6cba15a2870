// SPDX-License-Identifier: Apache-2.0
// Checks of losses' numbers.
#pragma once

#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "engine/base/status.h"

namespace gradus::losses {

inline absl::Status CheckAboveZero(absl::string_view field, double value) {
  if (std::isfinite(value) && value > 0) return absl::OkStatus();
  return base::InvalidArgument(field, absl::StrCat(value), "a finite number above 0");
}

inline absl::Status CheckShare(absl::string_view field, double value) {
  if (value >= 0 && value <= 1) return absl::OkStatus();
  return base::InvalidArgument(field, absl::StrCat(value), "a number from 0 to 1");
}

}  // namespace gradus::losses
