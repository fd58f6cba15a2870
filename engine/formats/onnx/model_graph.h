// SPDX-License-Identifier: Apache-2.0
// An ONNX model as far as it says what a network computes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/formats/onnx/constant.h"
#include "engine/formats/onnx/model_writer.h"

namespace gradus::onnx {

// Of each type that a node's attribute may have here. A tensor of one value is that value.
using AttributeValue = decltype(Attribute::value);

// Something that is fed to the model.
struct GraphInput {
  std::string name;
  // Whether its type is one of whole numbers; else it is f32.
  bool whole = false;
  // Extents; that of the batch is 0 where it is open. At least one.
  std::vector<int64_t> shape;
  // Which axis the batch is: the only one that is open, or else the first.
  size_t batch = 0;
};

// One operator at work.
struct Node {
  // Its place in the file: graph.node[position].
  int64_t position = 0;
  std::string name;
  std::string op;
  // Names of values; empty for what is left out.
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::map<std::string, AttributeValue> attributes;
};

// Each value that a node or an output names is an input, a constant, or comes from one node, which
// stands before its users.
struct ModelGraph {
  int64_t opset = 0;
  std::vector<GraphInput> inputs;
  std::vector<std::string> outputs;
  std::vector<Node> nodes;
  // Initializers, and what nodes called Constant give.
  std::map<std::string, Constant> constants;
};

}  // namespace gradus::onnx
