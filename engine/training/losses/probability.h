// SPDX-License-Identifier: Apache-2.0
// What the cross-entropies share where the model's output is probabilities, and the shape that all
// of them ask for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"

namespace gradus::losses {

// Probabilities are cut to [kLeast, 1 - kLeast] before their logarithm is taken; where that happens
// the gradient is 0.
inline constexpr double kLeast = 1e-7;

inline double Cut(double p) { return std::clamp(p, kLeast, 1 - kLeast); }
inline bool IsCut(double p) { return p < kLeast || p > 1 - kLeast; }

// Length of an output that is a vector of at least `least` values; INVALID_ARGUMENT for others.
absl::StatusOr<int64_t> VectorLength(std::span<const int64_t> output_shape, int64_t least);

}  // namespace gradus::losses
