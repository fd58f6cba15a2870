// SPDX-License-Identifier: Apache-2.0
#include "engine/base/status.h"
#include "engine/graph/graph.h"
#include "engine/graph/onnx_import/import.h"
#include "tests/fuzz/target.h"

namespace gradus::fuzz {
namespace {

absl::Status Run(std::span<const std::byte> bytes) {
  ASSIGN_OR_RETURN(const onnx_import::ImportedModel model, onnx_import::ImportOnnx(bytes));
  const auto graph = graph::Graph::Create(model.spec);
  Require(graph.ok(), "what is imported is a network");
  Require(model.weights.size() == graph->parameters().size(), "each weight has values");
  for (size_t i = 0; i < model.weights.size(); ++i) {
    Require(model.weights[i].size() == static_cast<size_t>(graph->parameters()[i].count),
            "values are as many as the weight's shape says");
  }
  return absl::OkStatus();
}

}  // namespace

extern constinit const FuzzTarget onnx_import_kind = {.name = "onnx_import", .run = Run};

}  // namespace gradus::fuzz
