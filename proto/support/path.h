// SPDX-License-Identifier: Apache-2.0
// Paths of fields: "model.layers[2].dense.units".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace gradus::support {

// One step down: into a field by its name, or into a list by an index.
struct PathStep {
  std::string key;  // empty when index is set
  std::optional<size_t> index;

  friend bool operator==(const PathStep&, const PathStep&) = default;
};

// `path` with a step more.
std::string JoinKey(absl::string_view path, absl::string_view key);
std::string JoinIndex(absl::string_view path, size_t index);

// Steps of a path such as "fit.stages[0].epochs"; INVALID_ARGUMENT when it is none. At most 64
// steps.
absl::StatusOr<std::vector<PathStep>> ParsePath(absl::string_view path);

}  // namespace gradus::support
