// SPDX-License-Identifier: Apache-2.0
// Walks a graph's layers; each writes itself.
#include "engine/graph/onnx_export.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/formats/onnx/model_writer.h"
#include "engine/layers/kind.h"

namespace gradus::graph {
namespace {

absl::StatusOr<std::vector<onnx::Tensor>> WeightsOf(const Graph& graph, const Node& node,
                                                    WeightSource weights) {
  std::vector<onnx::Tensor> tensors;
  for (const Parameter& parameter : graph.parameters_of(node.owner)) {
    ASSIGN_OR_RETURN(std::vector<float> values, weights(parameter));
    if (static_cast<int64_t>(values.size()) != parameter.count) {
      return base::InvalidArgument(parameter.name, absl::StrCat(values.size(), " values"),
                                   absl::StrCat(parameter.count, " of them"));
    }
    tensors.push_back({parameter.name, parameter.shape, std::move(values)});
  }
  return tensors;
}

}  // namespace

absl::StatusOr<std::string> ExportOnnx(const Graph& graph, absl::string_view name,
                                       WeightSource weights) {
  onnx::ModelWriter model(name);
  std::vector<onnx::Value> inputs;
  for (const ModelInput& input : graph.inputs())
    inputs.push_back(model.Input(input.name, input.shape));
  std::vector<onnx::Value> outputs;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    std::vector<onnx::Value> values;
    for (const int from : node.inputs)
      values.push_back(IsModelInput(from) ? inputs[InputOfIndex(from)]
                                          : outputs[static_cast<size_t>(from)]);
    const std::vector<layers::Shape> shapes = graph.input_shapes_of(static_cast<int>(i));
    ASSIGN_OR_RETURN(const std::vector<onnx::Tensor> tensors, WeightsOf(graph, node, weights));
    model.BeginLayer(node.name);
    absl::StatusOr<onnx::Value> output =
        node.kind->onnx({node.spec, shapes, values, tensors}, model);
    RETURN_IF_ERROR(base::Annotate(output.status(), absl::StrCat("layer ", node.name)));
    outputs.push_back(*std::move(output));
  }
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    const auto layer = static_cast<size_t>(graph.outputs()[i]);
    model.Output(graph.nodes()[layer].name, graph.output_shape(i), outputs[layer]);
  }
  return model.Finish();
}

}  // namespace gradus::graph
