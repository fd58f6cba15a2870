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
// The same with a setting that is a weight of one element. REQUIRES: the function has `by_setting`.
std::unique_ptr<const Operation> MakeTrainedActivation(
    const char* name, ActivationFunctions ActivationTable::*function, int64_t values);

std::unique_ptr<const Operation> MakeRamp(const Ramp& ramp, int64_t values);

}  // namespace gradus::kernels
