// SPDX-License-Identifier: Apache-2.0
// Checks of settings that several kinds have.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace gradus::layers {

// A probability; `given`: whether the field is set, as it must be.
absl::Status CheckRate(bool given, double rate);
// One that is less than 1.
absl::Status CheckRateBelowOne(bool given, double rate);
// A number that kernels can work with: finite as a float, too.
absl::Status CheckFloat(absl::string_view path, double value);
// One of those, and no smaller than `least`.
absl::Status CheckAtLeast(absl::string_view path, double value, double least);
// Counted as Keras does: 1 is a row's first axis, -1 its last one. The result is counted from 0.
absl::StatusOr<size_t> AxisOf(absl::string_view path, int64_t axis, size_t rank);

}  // namespace gradus::layers
