// SPDX-License-Identifier: Apache-2.0
// x * scale + offset with constants.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/operation.h"

namespace gradus::kernels {

std::unique_ptr<const Operation> MakeRescaling(int64_t values, float scale, float offset);

}  // namespace gradus::kernels
