// SPDX-License-Identifier: Apache-2.0
// Values that an ONNX model brings along, as they are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

namespace gradus::onnx {

// A tensor in C order: f32 where ONNX has floating point, int64 where it has whole numbers or
// bools.
//   Shapes   extents of 0 or more; without any it is a scalar. `values` has their product.
struct Constant {
  std::vector<int64_t> shape;
  std::variant<std::vector<float>, std::vector<int64_t>> values;

  const std::vector<float>* floats() const { return std::get_if<std::vector<float>>(&values); }
  const std::vector<int64_t>* integers() const {
    return std::get_if<std::vector<int64_t>>(&values);
  }
  size_t size() const { return floats() != nullptr ? floats()->size() : integers()->size(); }
};

}  // namespace gradus::onnx
