// SPDX-License-Identifier: Apache-2.0
// Spans of time as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gradus::base {

// "2h", "90s", "1h30m", "1.5s", "250ms", "10us", "7d", "0", in microseconds. Units descend and
// occur once each. INVALID_ARGUMENT, saying what is allowed, for all else, below zero and beyond
// int64.
absl::StatusOr<int64_t> ParseDuration(std::string_view text);

// Exact, in the form that ParseDuration reads: "1h30m", "1m30s", "250ms", "0s"; a minus in front
// below zero.
std::string FormatDuration(int64_t micros);

}  // namespace gradus::base
