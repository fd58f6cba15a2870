// SPDX-License-Identifier: Apache-2.0
// What layers learn of the training rows before the first step.
#include "engine/trainer/adaptation.h"

#include <utility>
#include <vector>

#include "engine/layers/kind.h"

namespace gradus::trainer {
namespace {

// The model's input whose values the layer takes; the graph has seen to it that views alone lie
// between them.
size_t InputBefore(const graph::Graph& graph, int node) {
  while (!graph::IsModelInput(node)) node = graph.nodes()[static_cast<size_t>(node)].inputs[0];
  return graph::InputOfIndex(node);
}

}  // namespace

absl::Status AdaptLayers(const data::View& train, plan::Executable& executable) {
  const graph::Graph& graph = executable.graph();
  std::vector<float> values;
  std::vector<plan::NamedTensor> adapted;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const graph::Node& node = graph.nodes()[i];
    const bool owner = node.owner == static_cast<int>(i);
    if (!owner || node.kind->adapts == nullptr || !node.kind->adapts(node.spec)) continue;
    const size_t input = InputBefore(graph, static_cast<int>(i));
    values.resize(static_cast<size_t>(train.input_elements(input)));
    const layers::AdaptRows rows = {.count = train.rows(), .row = [&](int64_t row) {
                                      train.GatherInput(row, values.data(), input);
                                      return std::span<const float>(values);
                                    }};
    const std::vector<std::vector<float>> weights =
        node.kind->adapt(node.spec, graph.input_shapes_of(static_cast<int>(i))[0], rows);
    const std::span<const graph::Parameter> parameters = graph.parameters_of(static_cast<int>(i));
    for (size_t k = 0; k < weights.size(); ++k)
      adapted.push_back({parameters[k].name, parameters[k].shape, weights[k]});
  }
  return executable.ImportWeights(adapted);
}

}  // namespace gradus::trainer
