// SPDX-License-Identifier: Apache-2.0
// x, below 0 times a slope that is drawn for each element.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/operation.h"

namespace gradus::kernels {

// On rows of `values`: slopes that are drawn in training, uniformly from low to high; backward
// draws the same again. Else, and where the layer is frozen, the mean of these.
std::unique_ptr<const Operation> MakeRandomSlopes(float low, float high, int64_t values);

}  // namespace gradus::kernels
