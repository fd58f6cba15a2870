// SPDX-License-Identifier: Apache-2.0
// Functions of each element whose gradient follows from what they were given.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/operation.h"
#include "engine/kernels/vector/functions.h"

namespace gradus::kernels {

// On rows of `values`; `setting` is what the function's formula has.
std::unique_ptr<const Operation> MakeActivation(const char* name,
                                                ActivationFunctions ActivationTable::*function,
                                                float setting, int64_t values);

}  // namespace gradus::kernels
