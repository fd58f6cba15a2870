// SPDX-License-Identifier: Apache-2.0
// Layers with windows in ONNX, which has channels before positions.
#pragma once

#include <array>
#include <cstdint>

#include "engine/kernels/convolution.h"
#include "engine/layers/onnx.h"

namespace gradus::layers {

// A convolution, or with `transposed` the transpose of one; weights[first], the kernel, and the one
// behind it, the bias, if there is one. Of a sequence the second axis counts.
onnx::Value WriteConvolution(const OnnxUse& use, const kernels::ConvolutionShape& shape,
                             bool transposed, onnx::ModelWriter& model);
// The same by itself, on images or sequences `x` of `rank` axes, with channels first.
onnx::Value WriteFilters(const onnx::Value& x, size_t rank, const kernels::ConvolutionShape& shape,
                         bool transposed, std::span<const onnx::Tensor> weights,
                         onnx::ModelWriter& model);

// `op`: MaxPool or AveragePool.
onnx::Value WritePool(const char* op, const OnnxUse& use,
                      const std::array<kernels::ConvolutionAxis, 2>& axes,
                      onnx::ModelWriter& model);

}  // namespace gradus::layers
