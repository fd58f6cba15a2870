// SPDX-License-Identifier: Apache-2.0
// Softmax along the last axis as an operation of its own; with a cross-entropy behind it the loss
// does both at once.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/operation.h"

namespace gradus::kernels {

// On rows of `values`, which hold vectors of `width`. REQUIRES: width divides values.
std::unique_ptr<const Operation> MakeSoftmax(int64_t values, int64_t width);

}  // namespace gradus::kernels
