// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the known word nearest to one that is not known.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace gradus::support {

// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`, case apart.
int EditDistance(absl::string_view a, absl::string_view b);

// The word of `known` with the smallest distance, if that is at most a third of the longer word (at
// least 1); the first one among equals.
std::optional<std::string> NearestWord(absl::string_view word,
                                       const std::vector<std::string>& known);

}  // namespace gradus::support
