// SPDX-License-Identifier: Apache-2.0
// What a layer is given to write itself into an ONNX model.
#pragma once

#include <span>
#include <vector>

#include "engine/formats/onnx/model_writer.h"
#include "engine/formats/onnx/tensor.h"
#include "engine/layers/weight.h"
#include "gradus/v1/model.pb.h"

namespace gradus::layers {

// One layer of a model.
//   Shapes   of its inputs, without the batch.
//   Owns     nothing.
struct OnnxUse {
  const v1::Layer& spec;
  std::span<const Shape> shapes;
  std::span<const onnx::Value> inputs;
  // As the kind lists them, under their published names.
  std::span<const onnx::Tensor> weights;
};

// Values of rows with `rank` axes, channels last, with their channels behind the batch; and back.
onnx::Value ChannelsFirst(const onnx::Value& x, size_t rank, onnx::ModelWriter& model);
onnx::Value ChannelsLast(const onnx::Value& x, size_t rank, onnx::ModelWriter& model);

// Rows in C order under another shape.
onnx::Value Reshaped(const onnx::Value& x, const Shape& shape, onnx::ModelWriter& model);

// The part of each row from `begin` to `end`, excluded, an index an axis.
onnx::Value Sliced(const onnx::Value& x, const Shape& begin, const Shape& end,
                   onnx::ModelWriter& model);

// x / max(least, divisor).
onnx::Value DividedByAtLeast(const onnx::Value& x, const onnx::Value& divisor, double least,
                             onnx::ModelWriter& model);

}  // namespace gradus::layers
