// SPDX-License-Identifier: Apache-2.0
// A weight as ONNX models take it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gradus::onnx {

// An f32 tensor in C order.
struct Tensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

// Axis i of the result is axis axes[i] of `tensor`. REQUIRES: each axis once.
Tensor Permuted(const Tensor& tensor, const std::vector<size_t>& axes);

}  // namespace gradus::onnx
