// SPDX-License-Identifier: Apache-2.0
// The check of a loss's input.
#include "engine/training/losses/probability.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace gradus::losses {

absl::StatusOr<int64_t> VectorLength(std::span<const int64_t> output_shape, int64_t least) {
  if (output_shape.size() != 1 || output_shape[0] < least) {
    return absl::InvalidArgumentError(
        absl::StrCat("the model's output of shape (", absl::StrJoin(output_shape, ", "),
                     ") is not a vector of at least ", least, " values"));
  }
  return output_shape[0];
}

}  // namespace gradus::losses
