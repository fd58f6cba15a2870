// SPDX-License-Identifier: Apache-2.0
// Tensors one behind the other along an axis.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/kernels/operation.h"

namespace gradus::kernels {

// A row of source i is `groups` runs of widths[i] values; one of the result is as many groups of
// all sources' runs in turn.
std::unique_ptr<const Operation> MakeConcatenation(int64_t groups, std::vector<int64_t> widths);

}  // namespace gradus::kernels
