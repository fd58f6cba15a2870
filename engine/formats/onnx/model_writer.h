// SPDX-License-Identifier: Apache-2.0
// An ONNX model in the making: inputs, nodes, constants and outputs, then its bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/formats/onnx/tensor.h"

namespace gradus::onnx {

// The version of ONNX's operators that models are written in.
inline constexpr int64_t kOpset = 13;

// What flows between nodes, by its name; empty for an optional input that is left out.
using Value = std::string;

// A setting of a node.
struct Attribute {
  const char* name;
  std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>,
               std::vector<std::string>>
      value;
};

// An f32 graph whose values have a first axis N, the batch.
//   Shapes   without the batch.
//   Owns     a copy of all that it is given.
//   Threads  one call at a time.
//   Source   ONNX 1.12, onnx/onnx-ml.proto and docs/Operators.md
class ModelWriter {
 public:
  // `name`: what the graph is called; not empty.
  explicit ModelWriter(absl::string_view name);
  ModelWriter(const ModelWriter&) = delete;
  ModelWriter& operator=(const ModelWriter&) = delete;
  ~ModelWriter();

  // The names of what follows, but of inputs, outputs and tensors, begin with this and '/'.
  void BeginLayer(absl::string_view name);

  Value Input(const std::string& name, std::span<const int64_t> shape);
  // A node, and the value that is its output number `output`; it has no other.
  Value Node(absl::string_view op, std::vector<Value> inputs,
             const std::vector<Attribute>& attributes = {}, int output = 0);

  // Values that the model brings along. A second one with name, shape and values of an earlier one
  // is that one.
  Value Constant(const Tensor& tensor);
  // Of the layer.
  Value Constant(absl::string_view name, std::vector<int64_t> shape, std::vector<float> values);
  Value Scalar(absl::string_view name, double value);
  Value Integers(absl::string_view name, const std::vector<int64_t>& values);

  void Output(const std::string& name, std::span<const int64_t> shape, const Value& value);

  // The bytes of a ModelProto, the same for the same calls. The writer is used up.
  //   Errors  FAILED_PRECONDITION for a model that is larger than one such message may be.
  absl::StatusOr<std::string> Finish();

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace gradus::onnx
