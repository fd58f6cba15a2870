// SPDX-License-Identifier: Apache-2.0
// Sums of products of two tensors along one axis of each.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/operation.h"

namespace gradus::kernels {

// A row's axis to sum along, with the values before and behind it.
struct ContractedAxis {
  int64_t before = 1;
  int64_t extent = 1;
  int64_t behind = 1;
};

// Of two sources; the result's row has the free indices of the first, then those of the second.
// With `normalize` each vector along the axes has length 1 first: it is multiplied by min(1 /
// length, 10^7). REQUIRES: equal extents.
std::unique_ptr<const Operation> MakeContraction(const ContractedAxis& first,
                                                 const ContractedAxis& second, bool normalize);

}  // namespace gradus::kernels
