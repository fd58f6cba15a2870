// SPDX-License-Identifier: Apache-2.0
// Weights in other orders.
#include "engine/formats/onnx/tensor.h"

namespace gradus::onnx {

Tensor Permuted(const Tensor& tensor, const std::vector<size_t>& axes) {
  const size_t rank = axes.size();
  std::vector<size_t> strides(rank, 1);
  for (size_t axis = rank; axis-- > 1;)
    strides[axis - 1] = strides[axis] * static_cast<size_t>(tensor.shape[axis]);
  Tensor result{.name = tensor.name, .shape = {}, .values = {}};
  for (const size_t axis : axes) result.shape.push_back(tensor.shape[axis]);
  result.values.reserve(tensor.values.size());
  // Counts through the result, last axis first.
  std::vector<int64_t> index(rank, 0);
  size_t at = 0;
  for (size_t count = 0; count < tensor.values.size(); ++count) {
    result.values.push_back(tensor.values[at]);
    for (size_t i = rank; i-- > 0;) {
      at += strides[axes[i]];
      if (++index[i] < result.shape[i]) break;
      at -= static_cast<size_t>(result.shape[i]) * strides[axes[i]];
      index[i] = 0;
    }
  }
  return result;
}

}  // namespace gradus::onnx
