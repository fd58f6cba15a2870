// SPDX-License-Identifier: Apache-2.0
// (x - mean) / deviation along one axis, with means and variances that are given.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/operation.h"

namespace gradus::kernels {

// A row as [outer, extent, inner]; each index of the middle axis has its own mean and variance.
struct StandardizationShape {
  int64_t outer = 1;
  int64_t extent = 1;
  int64_t inner = 1;
};

// (x - mean) / max(sqrt(variance), 1e-7). Weights: mean [extent], variance [extent]; neither is
// trained.
std::unique_ptr<const Operation> MakeStandardization(const StandardizationShape& shape);

}  // namespace gradus::kernels
