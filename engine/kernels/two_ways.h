// SPDX-License-Identifier: Apache-2.0
// Two operations on the same source, the second of which goes the other way through time.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/operation.h"

namespace gradus::kernels {

enum class Meeting { kSideBySide, kSum, kProduct, kMean };

// Results of `there` and `back` brought together, those of `back` in the opposite order of steps.
// Weights: those of `there`, then as many of `back`.
//   Shapes   src [rows, src_values], results [rows, steps, units], dst the same or with 2 * units.
struct TwoWaysShape {
  int64_t src_values = 0;
  int64_t steps = 1;
  int64_t units = 0;
  Meeting meeting = Meeting::kSideBySide;
};
std::unique_ptr<const Operation> MakeTwoWays(const TwoWaysShape& shape,
                                             std::shared_ptr<const Operation> there,
                                             std::shared_ptr<const Operation> back);

}  // namespace gradus::kernels
