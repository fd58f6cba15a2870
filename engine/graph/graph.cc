// SPDX-License-Identifier: Apache-2.0
// What one can ask a graph.
#include "engine/graph/graph.h"

#include <algorithm>

#include "engine/layers/kind.h"

namespace gradus::graph {

int64_t CountOf(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

std::span<const Parameter> Graph::parameters_of(int node) const {
  const Node& n = nodes_[static_cast<size_t>(node)];
  return std::span(parameters_)
      .subspan(static_cast<size_t>(n.first_parameter), static_cast<size_t>(n.parameters));
}

std::vector<std::vector<int64_t>> Graph::input_shapes_of(int node) const {
  return ShapesOf(nodes_[static_cast<size_t>(node)].inputs);
}

std::vector<std::vector<int64_t>> Graph::ShapesOf(std::span<const int> nodes) const {
  std::vector<std::vector<int64_t>> shapes;
  for (const int node : nodes)
    shapes.push_back(IsModelInput(node) ? inputs_[InputOfIndex(node)].shape
                                        : nodes_[static_cast<size_t>(node)].output_shape);
  return shapes;
}

bool Graph::is_view(int node) const {
  const Node& asked = nodes_[static_cast<size_t>(node)];
  const std::vector<layers::Lowered> chain = asked.kind->lower(asked.spec, ShapesOf(asked.inputs));
  return std::ranges::all_of(chain,
                             [](const layers::Lowered& link) { return link.operation->is_view(); });
}

std::vector<std::string> Graph::layer_names() const {
  std::vector<std::string> names;
  for (const Node& node : nodes_) names.push_back(node.name);
  return names;
}

bool Graph::is_output(int node) const { return std::ranges::count(outputs_, node) > 0; }

std::span<const int64_t> Graph::output_shape(size_t output) const {
  return nodes_[static_cast<size_t>(outputs_[output])].output_shape;
}

int64_t Graph::output_values(size_t output) const { return CountOf(output_shape(output)); }

int64_t Graph::trainable_params(const std::vector<bool>& trainable) const {
  int64_t sum = 0;
  for (const Parameter& parameter : parameters_) {
    if (trainable[static_cast<size_t>(parameter.layer)] && !parameter.statistic)
      sum += parameter.count;
  }
  return sum;
}

std::vector<bool> Graph::trainable() const {
  std::vector<bool> trainable;
  for (const Node& node : nodes_) trainable.push_back(node.trainable);
  return trainable;
}

v1::ModelSummary Graph::Summary() const {
  v1::ModelSummary summary;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    v1::LayerSummary& layer = *summary.add_layers();
    layer.set_name(node.name);
    layer.set_type(layers::Word(*node.kind));
    layer.mutable_output_shape()->Add(node.output_shape.begin(), node.output_shape.end());
    int64_t params = 0;
    if (node.owner == static_cast<int>(i)) {
      for (const Parameter& parameter : parameters_of(node.owner)) params += parameter.count;
    }
    layer.set_params(params);
    layer.set_trainable(node.trainable);
    const int before = i == 0 ? IndexOfInput(0) : static_cast<int>(i) - 1;
    const bool says_which = i == 0 && spec_.inputs_size() > 0;
    if (node.inputs != std::vector<int>{before} || says_which)
      *layer.mutable_inputs() = spec_.layers(static_cast<int>(i)).inputs();
  }
  summary.set_total_params(total_params_);
  summary.set_trainable_params(trainable_params(trainable()));
  summary.set_non_trainable_params(total_params_ - summary.trainable_params());
  return summary;
}

}  // namespace gradus::graph
