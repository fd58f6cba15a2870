// SPDX-License-Identifier: Apache-2.0
// Stored numbers to f32: the inner loop of gathering a batch.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/dtype.h"

namespace gradus::data {

// dst[i] = f32(src[i]) * scale + offset: a rounded product, then a rounded sum, whatever the
// processor, so that the same rows give the same bits everywhere.
//   Shapes   src: `count` values of `dtype`, little endian, of any alignment; dst: [count], not
//            overlapping src.
//   Threads  any.
void ConvertToF32(base::DType dtype, const std::byte* src, int64_t count, float scale, float offset,
                  float* dst);

}  // namespace gradus::data
