// SPDX-License-Identifier: Apache-2.0
// Rows of a table, by their numbers.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/operation.h"

namespace gradus::kernels {

// Weight: the table (entries, width). The source's values are numbers of the table's rows; what is
// none of them, 0 to entries - 1, gives a row of NaN. Fractions are cut off. The source's gradient
// is 0.
//   Shapes   src [rows, positions], dst [rows, positions, width].
std::unique_ptr<const Operation> MakeLookup(int64_t entries, int64_t width, int64_t positions);

}  // namespace gradus::kernels
