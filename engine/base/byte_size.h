// SPDX-License-Identifier: Apache-2.0
// Amounts of memory as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gradus::base {

// "4GiB", "512 MiB", "1.5GB", "1024": units B, kB MB GB TB (powers of 1000), KiB MiB GiB TiB and K
// M G T (powers of 1024), none for bytes. A fraction of a byte is cut off. INVALID_ARGUMENT, saying
// what is allowed, for all else, below zero and beyond uint64.
absl::StatusOr<uint64_t> ParseByteSize(std::string_view text);

// The largest power of 1024 that gives at least 1, with one digit after the point unless that is 0:
// "4GiB", "1.5MiB", "17B". For reading, not exact.
std::string FormatByteSize(uint64_t bytes);

}  // namespace gradus::base
