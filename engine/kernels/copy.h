// SPDX-License-Identifier: Apache-2.0
// A kernel that copies: what an operation does where it does nothing, but is no view.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/kernels/kernel.h"

namespace gradus::kernels {

std::unique_ptr<Kernel> MakeCopyKernel(std::string description, int64_t count, int threads,
                                       Cell src, Cell dst);

}  // namespace gradus::kernels
