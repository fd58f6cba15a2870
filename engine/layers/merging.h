// SPDX-License-Identifier: Apache-2.0
// What layers that merge inputs of one shape, element by element, have in common.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "engine/kernels/merge.h"
#include "engine/layers/kind.h"

namespace gradus::layers {

inline constexpr int kMostMerged = 1000;

// LayerKind::infer: all inputs' shape.
absl::StatusOr<Shape> CommonShape(const v1::Layer& spec, std::span<const Shape> inputs);
// LayerKind::lower.
std::vector<Lowered> LowerMerge(const kernels::Merge& merge, std::span<const Shape> inputs);
// f(f(first, second), third) ... of each element.
std::vector<double> Folded(std::span<const std::vector<double>> inputs,
                           const std::function<double(double, double)>& f);
// Of `spec` with 2 to `most` inputs, on both sides of every vector's width.
std::vector<Sample> MergeSamples(const v1::Layer& spec, size_t most);

}  // namespace gradus::layers
