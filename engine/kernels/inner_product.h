// SPDX-License-Identifier: Apache-2.0
// src * kernel + bias: the operation that most of the time goes to.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/operation.h"

namespace gradus::kernels {

// Weights: the kernel (inputs, units), then the bias (units) if there is one. Absorbs functions of
// each element.
//   Shapes   src [rows, positions, inputs], dst [rows, positions, units].
std::unique_ptr<const Operation> MakeInnerProduct(int64_t inputs, int64_t units, bool bias,
                                                  int64_t positions = 1);

}  // namespace gradus::kernels
