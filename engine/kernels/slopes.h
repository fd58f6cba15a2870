// SPDX-License-Identifier: Apache-2.0
// x, below 0 times a slope that is a weight.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/kernels/operation.h"

namespace gradus::kernels {

// On rows of `values`, with slopes out of a weight of `slopes` elements.
//   Shapes   places: for each value of a row, which slope it has. Empty where each has its own.
std::unique_ptr<const Operation> MakeSlopes(int64_t values, int64_t slopes,
                                            std::vector<int32_t> places);

}  // namespace gradus::kernels
