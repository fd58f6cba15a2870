// SPDX-License-Identifier: Apache-2.0
// Kernels of our own inner product: their weights lie in panels (vector/panels.h).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/kernels/weight_layout.h"

namespace gradus::kernels {

// Of a kernel (inputs, sum of blocks), for Vector(). Each block of columns is in panels of its own,
// one block behind the other: a kernel that is used in pieces.
std::shared_ptr<const WeightLayout> MakePanelLayout(int64_t inputs, std::vector<int64_t> blocks);

// Where block `block` begins, in floats.
int64_t PanelOffset(int64_t inputs, const std::vector<int64_t>& blocks, size_t block);

// Whether it is a layout of one block that Vector() can work with.
bool LiesInPanels(const WeightLayout& layout);

}  // namespace gradus::kernels
