// SPDX-License-Identifier: Apache-2.0
// The axes of each row in another order.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/kernels/operation.h"

namespace gradus::kernels {

// Axis i of the result is axis axes[i] of the source, whose rows have `shape`. REQUIRES: `axes` has
// each of 0 ... shape.size() - 1 once. A view where nothing moves.
std::unique_ptr<const Operation> MakePermutation(const std::vector<int64_t>& shape,
                                                 const std::vector<size_t>& axes);

}  // namespace gradus::kernels
