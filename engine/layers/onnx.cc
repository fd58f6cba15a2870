// SPDX-License-Identifier: Apache-2.0
// Nodes that several layers are written with.
#include "engine/layers/onnx.h"

#include <numeric>

namespace gradus::layers {

onnx::Value ChannelsFirst(const onnx::Value& x, size_t rank, onnx::ModelWriter& model) {
  if (rank == 1) return x;
  std::vector<int64_t> axes(rank + 1, 0);
  axes[1] = static_cast<int64_t>(rank);
  std::iota(axes.begin() + 2, axes.end(), 1);
  return model.Node("Transpose", {x}, {{"perm", axes}});
}

onnx::Value ChannelsLast(const onnx::Value& x, size_t rank, onnx::ModelWriter& model) {
  if (rank == 1) return x;
  std::vector<int64_t> axes(rank + 1, 0);
  std::iota(axes.begin() + 1, axes.end() - 1, 2);
  axes.back() = 1;
  return model.Node("Transpose", {x}, {{"perm", axes}});
}

onnx::Value Reshaped(const onnx::Value& x, const Shape& shape, onnx::ModelWriter& model) {
  // 0: the batch as it is.
  Shape whole = {0};
  whole.insert(whole.end(), shape.begin(), shape.end());
  return model.Node("Reshape", {x, model.Integers("shape", whole)});
}

onnx::Value Sliced(const onnx::Value& x, const Shape& begin, const Shape& end,
                   onnx::ModelWriter& model) {
  Shape axes(begin.size());
  std::iota(axes.begin(), axes.end(), 1);
  return model.Node("Slice", {x, model.Integers("starts", begin), model.Integers("ends", end),
                              model.Integers("axes", axes)});
}

onnx::Value DividedByAtLeast(const onnx::Value& x, const onnx::Value& divisor, double least,
                             onnx::ModelWriter& model) {
  return model.Node("Div", {x, model.Node("Max", {divisor, model.Scalar("least_divisor", least)})});
}

}  // namespace gradus::layers
