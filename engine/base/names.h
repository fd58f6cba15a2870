// SPDX-License-Identifier: Apache-2.0
// The one rule for names that users give: of datasets, splits, models, layers and jobs.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace gradus::base {

inline constexpr size_t kMaxName = 128;

// Whether `name` has 1 to 128 letters, digits, '_', '-' and '.', the first one no '.': safe in a
// path, a reference and a URL.
bool IsName(absl::string_view name);

// INVALID_ARGUMENT that shows the field `path` and what is wrong with the name.
absl::Status CheckName(absl::string_view path, absl::string_view name);

// `text` fit to be shown in a message: control characters and what is no UTF-8 are escaped, what is
// too long is cut.
std::string Shown(absl::string_view text, size_t max_bytes = 80);

}  // namespace gradus::base
