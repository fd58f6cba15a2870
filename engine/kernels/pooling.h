// SPDX-License-Identifier: Apache-2.0
// The largest value or the mean of windows over images, by oneDNN.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "engine/kernels/convolution.h"
#include "engine/kernels/operation.h"

namespace gradus::kernels {

enum class Pool { kMax, kMean };

// What lies outside the image does not count.
//   Shapes   src [rows, height, width, channels], dst likewise.
std::unique_ptr<const Operation> MakePooling(Pool pool, const std::array<ConvolutionAxis, 2>& axes,
                                             int64_t channels);

}  // namespace gradus::kernels
