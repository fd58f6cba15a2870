// SPDX-License-Identifier: Apache-2.0
// Images with more positions, by oneDNN.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/operation.h"

namespace gradus::kernels {

struct Resampling {
  int64_t height = 1;
  int64_t width = 1;
  int64_t channels = 1;
  // Times that many.
  int64_t height_factor = 1;
  int64_t width_factor = 1;
  // Between the nearest four instead of the nearest one; positions have their values in their
  // middles.
  bool linear = false;
};

//   Shapes   src [rows, height, width, channels], dst [rows, height * height_factor, ...].
std::unique_ptr<const Operation> MakeResampling(const Resampling& resampling);

}  // namespace gradus::kernels
