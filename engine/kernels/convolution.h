// SPDX-License-Identifier: Apache-2.0
// Convolutions over images and their transposes, by oneDNN.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "engine/kernels/operation.h"

namespace gradus::kernels {

// Along height and width; a sequence has the height 1.
struct ConvolutionAxis {
  int64_t src = 1;
  int64_t dst = 1;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  // Positions outside of src, of dst for a transpose, that windows reach to.
  int64_t before = 0;
  int64_t after = 0;
};

struct ConvolutionShape {
  std::array<ConvolutionAxis, 2> axes;
  int64_t channels = 1;
  int64_t filters = 1;
  // Divides both.
  int64_t groups = 1;
};

// Weights: the kernel, then the bias (filters) if there is one. Absorbs functions of each element.
//   Shapes   src [rows, height, width, channels], dst [rows, height, width, filters], kernel
//            (height, width, channels / groups, filters).
std::unique_ptr<const Operation> MakeConvolution(const ConvolutionShape& shape, bool bias);
// Its transpose. Kernel (height, width, filters, channels); groups must be 1.
std::unique_ptr<const Operation> MakeTransposedConvolution(const ConvolutionShape& shape,
                                                           bool bias);

}  // namespace gradus::kernels
