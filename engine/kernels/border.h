// SPDX-License-Identifier: Apache-2.0
// Images with zeros around them, or without their edges.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/operation.h"

namespace gradus::kernels {

struct Border {
  int64_t src_height = 1;
  int64_t src_width = 1;
  int64_t dst_height = 1;
  int64_t dst_width = 1;
  int64_t channels = 1;
  // Where the source's first position lies in dst; below 0 where it is cut off.
  int64_t top = 0;
  int64_t left = 0;
};

//   Shapes   src [rows, src_height, src_width, channels], dst likewise.
std::unique_ptr<const Operation> MakeBorder(const Border& border);

}  // namespace gradus::kernels
