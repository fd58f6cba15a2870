// SPDX-License-Identifier: Apache-2.0
// Checks and shows names.
#include "engine/base/names.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::base {
namespace {

bool Allowed(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
}

}  // namespace

bool IsName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxName && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), Allowed);
}

absl::Status CheckName(absl::string_view path, absl::string_view name) {
  if (IsName(name)) return absl::OkStatus();
  return InvalidArgument(
      path, absl::StrCat("\"", Shown(name), "\""),
      "a name: 1 to 128 letters, digits, '_', '-' or '.', not starting with '.'");
}

std::string Shown(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return absl::CHexEscape(text);
  return absl::StrCat(absl::CHexEscape(text.substr(0, max_bytes)), "...");
}

}  // namespace gradus::base
