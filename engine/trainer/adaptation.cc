// SPDX-License-Identifier: Apache-2.0
// What layers learn of the training rows before the first step.
#include "engine/trainer/adaptation.h"

#include <utility>
#include <vector>

#include "engine/layers/kind.h"

namespace gradus::trainer {

absl::Status AdaptLayers(const data::View& train, plan::Executable& executable) {
  const graph::Graph& graph = executable.graph();
  std::vector<float> values(static_cast<size_t>(train.input_elements()));
  const layers::AdaptRows rows = {.count = train.rows(), .row = [&](int64_t i) {
                                    train.GatherInput(i, values.data());
                                    return std::span<const float>(values);
                                  }};
  std::vector<plan::NamedTensor> adapted;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const graph::Node& node = graph.nodes()[i];
    const bool owner = node.owner == static_cast<int>(i);
    if (!owner || node.kind->adapts == nullptr || !node.kind->adapts(node.spec)) continue;
    const std::vector<std::vector<float>> weights =
        node.kind->adapt(node.spec, graph.input_shapes_of(static_cast<int>(i))[0], rows);
    const std::span<const graph::Parameter> parameters = graph.parameters_of(static_cast<int>(i));
    for (size_t k = 0; k < weights.size(); ++k)
      adapted.push_back({parameters[k].name, parameters[k].shape, weights[k]});
  }
  return executable.ImportWeights(adapted);
}

}  // namespace gradus::trainer
