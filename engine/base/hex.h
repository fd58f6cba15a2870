// SPDX-License-Identifier: Apache-2.0
// Bytes as hexadecimal text.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace gradus::base {

// Two lower-case digits a byte.
std::string HexEncode(std::span<const std::byte> bytes);

// INVALID_ARGUMENT for an odd length or a character that is no digit; upper case is taken too.
absl::StatusOr<std::vector<std::byte>> HexDecode(std::string_view text);

}  // namespace gradus::base
