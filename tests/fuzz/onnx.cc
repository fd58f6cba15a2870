// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <string>

#include "engine/base/status.h"
#include "engine/formats/onnx/model_reader.h"
#include "tests/fuzz/target.h"

namespace gradus::fuzz {
namespace {

void CheckConstant(const onnx::Constant& constant) {
  int64_t elements = 1;
  for (const int64_t extent : constant.shape) {
    Require(extent >= 0 && !__builtin_mul_overflow(elements, extent, &elements),
            "extents are numbers of values");
  }
  Require(static_cast<size_t>(elements) == constant.size(), "a constant has its shape's values");
}

// Inputs and constants, then each node's outputs behind all that it reads.
void CheckOrder(const onnx::ModelGraph& graph) {
  std::set<std::string> known;
  const auto make = [&known](const std::string& name) {
    Require(known.insert(name).second, "a value is made once");
  };
  for (const onnx::GraphInput& input : graph.inputs) {
    Require(input.batch < input.shape.size(), "an input has a batch");
    make(input.name);
  }
  for (const auto& [name, constant] : graph.constants) {
    CheckConstant(constant);
    make(name);
  }
  for (const onnx::Node& node : graph.nodes) {
    for (const std::string& input : node.inputs)
      Require(input.empty() || known.count(input) > 0, "a value is made before it is read");
    for (const std::string& output : node.outputs) {
      if (!output.empty()) make(output);
    }
  }
  for (const std::string& output : graph.outputs)
    Require(known.count(output) > 0, "an output is made");
}

absl::Status Run(std::span<const std::byte> bytes) {
  ASSIGN_OR_RETURN(const onnx::ModelGraph graph, onnx::ReadModel(bytes));
  Require(graph.opset >= onnx::kLeastOpset && graph.opset <= onnx::kMostOpset,
          "the operators' version is one that is read");
  CheckOrder(graph);
  return absl::OkStatus();
}

}  // namespace

extern constinit const FuzzTarget onnx_kind = {.name = "onnx", .run = Run};

}  // namespace gradus::fuzz
