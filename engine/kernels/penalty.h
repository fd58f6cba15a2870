// SPDX-License-Identifier: Apache-2.0
// A regularizer's term of what a layer gives: l1 * sum |x| + l2 * sum x^2 over all rows.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/kernel.h"

namespace gradus::kernels {

struct PenaltySettings {
  float l1 = 0;
  float l2 = 0;
  int64_t rows = 0;
  int64_t width = 0;
};

// *sum becomes the term, added up row after row.
std::unique_ptr<Kernel> MakePenalty(const PenaltySettings& settings, Cell x, double* sum);
// Adds the gradient of `scale` times the term.
std::unique_ptr<Kernel> MakePenaltyGradient(const PenaltySettings& settings, float scale,
                                            int threads, Cell x, Cell diff);

}  // namespace gradus::kernels
