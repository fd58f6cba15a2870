// SPDX-License-Identifier: Apache-2.0
// UTF-8: what protobuf strings must be, and what may be shown on a terminal.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace gradus::support {

// Position of the first byte that is not part of well-formed UTF-8 (RFC 3629), if any.
std::optional<size_t> FirstInvalidUtf8(absl::string_view text);

// `text`, cut to at most `max_bytes` before a character that would not fit whole.
absl::string_view CutUtf8(absl::string_view text, size_t max_bytes);

// `text` fit for a terminal: control characters (C0 without newline and tab, DEL, C1, bidirectional
// overrides) and bytes that are not UTF-8 become "?". With `one_line`, newlines and tabs become
// spaces.
std::string Printable(absl::string_view text, bool one_line = false);

// JSON text with the same characters escaped (\u009b), so that it stays the same JSON and a
// terminal does not obey it.
std::string JsonForTerminal(absl::string_view json);

// Columns that well-formed text takes on a terminal, one for each code point.
size_t DisplayWidth(absl::string_view text);

}  // namespace gradus::support
