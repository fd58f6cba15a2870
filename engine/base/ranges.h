// SPDX-License-Identifier: Apache-2.0
// Checks of numbers that people write, each with the field's path in its message.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace gradus::base {

// A finite number, 0 or more.
absl::Status CheckNotNegative(absl::string_view path, double value);
// Finite and above 0, also as a float.
absl::Status CheckPositive(absl::string_view path, double value);
// From 0 to 1, both included.
absl::Status CheckShare(absl::string_view path, double value);
// From `least` to `most`, both included.
absl::Status CheckCount(absl::string_view path, int64_t value, int64_t least, int64_t most);

}  // namespace gradus::base
