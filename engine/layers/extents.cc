// SPDX-License-Identifier: Apache-2.0
// Shapes of rows as layers see them.
#include "engine/layers/extents.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace gradus::layers {

int64_t CountOf(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

std::string TextOf(std::span<const int64_t> shape) {
  return absl::StrCat("(", absl::StrJoin(shape, ", "), ")");
}

}  // namespace gradus::layers
