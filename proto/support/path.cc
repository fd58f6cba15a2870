// SPDX-License-Identifier: Apache-2.0
// Paths of fields as text.
#include "proto/support/path.h"

#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"

namespace gradus::support {
namespace {

constexpr size_t kMostSteps = 64;

absl::Status NotAPath(absl::string_view path) {
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", path,
      "\" is not the path of a field, such as fit.seed or model.layers[1].dense.units"));
}

// Takes "[3]" off the front of `rest`.
absl::StatusOr<PathStep> TakeIndex(absl::string_view path, absl::string_view& rest) {
  const size_t end = rest.find(']');
  uint32_t index = 0;
  if (end == absl::string_view::npos || !absl::SimpleAtoi(rest.substr(1, end - 1), &index))
    return NotAPath(path);
  rest.remove_prefix(end + 1);
  return PathStep{"", index};
}

// Takes a key off the front of `rest`, with the dot before it.
absl::StatusOr<PathStep> TakeKey(absl::string_view path, absl::string_view& rest, bool first) {
  if (!first) {
    if (rest.front() != '.') return NotAPath(path);
    rest.remove_prefix(1);
  }
  const size_t end = rest.find_first_of(".[");
  PathStep step{std::string(rest.substr(0, end)), std::nullopt};
  if (step.key.empty()) return NotAPath(path);
  rest.remove_prefix(step.key.size());
  return step;
}

}  // namespace

std::string JoinKey(absl::string_view path, absl::string_view key) {
  return path.empty() ? std::string(key) : absl::StrCat(path, ".", key);
}

std::string JoinIndex(absl::string_view path, size_t index) {
  return absl::StrCat(path, "[", index, "]");
}

absl::StatusOr<std::vector<PathStep>> ParsePath(absl::string_view path) {
  std::vector<PathStep> steps;
  absl::string_view rest = path;
  if (rest.empty() || rest.front() == '[') return NotAPath(path);
  while (!rest.empty()) {
    if (steps.size() == kMostSteps) return NotAPath(path);
    if (rest.front() == '[') {
      ASSIGN_OR_RETURN(PathStep step, TakeIndex(path, rest));
      steps.push_back(std::move(step));
    } else {
      ASSIGN_OR_RETURN(PathStep step, TakeKey(path, rest, steps.empty()));
      steps.push_back(std::move(step));
    }
  }
  return steps;
}

}  // namespace gradus::support
