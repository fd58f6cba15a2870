// SPDX-License-Identifier: Apache-2.0
// Adds one tensor to another: for gradients of what is used more than once.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/kernel.h"

namespace gradus::kernels {

// sum[i] += part[i].
std::unique_ptr<Kernel> MakeAccumulate(int64_t count, int threads, Cell part, Cell sum);

}  // namespace gradus::kernels
