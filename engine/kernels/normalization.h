// SPDX-License-Identifier: Apache-2.0
// Batch and layer normalization, by oneDNN.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/kernels/operation.h"

namespace gradus::kernels {

struct NormalizationShape {
  // Vectors in a row, and values in each.
  int64_t positions = 1;
  int64_t channels = 1;
  float epsilon = 1e-3F;
  // Whether there is a gamma, and a beta.
  bool scale = true;
  bool shift = true;
};

// Each channel over rows and positions. Weights: gamma and beta as far as there are any, then the
// moving mean and the moving variance, which are statistics.
//   Source   Ioffe and Szegedy 2015, alg. 1; the variance is that of the values.
std::unique_ptr<const Operation> MakeBatchNormalization(const NormalizationShape& shape);

// Each vector by itself. Weights: gamma and beta as far as there are any.
//   Source   Ba, Kiros, Hinton 2016, eq. 4.
std::unique_ptr<const Operation> MakeLayerNormalization(const NormalizationShape& shape);

}  // namespace gradus::kernels
