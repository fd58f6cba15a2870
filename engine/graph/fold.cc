// SPDX-License-Identifier: Apache-2.0
// Normalizations of a trained network taken into the weights beside them.
#include "engine/graph/fold.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/layers/kind.h"

namespace gradus::graph {
namespace {

// A layer while the network is changed.
struct Part {
  const Node* node;
  v1::Layer spec;
  layers::WeightValues weights;
  // Positions of the parts whose outputs it takes, and the model's inputs.
  std::vector<int> inputs;
  bool gone = false;
};

class Folding {
 public:
  Folding(const Graph& graph, std::span<const std::vector<float>> weights) : graph_(graph) {
    for (const Node& node : graph.nodes()) {
      Part part = {
          .node = &node, .spec = graph.spec().layers(Position(node)), .inputs = node.inputs};
      if (Owns(node)) {
        for (int i = 0; i < node.parameters; ++i) {
          const std::vector<float>& values = weights[static_cast<size_t>(node.first_parameter + i)];
          part.weights.emplace_back(values.begin(), values.end());
        }
      }
      parts_.push_back(std::move(part));
    }
  }

  absl::StatusOr<Folded> Run() {
    Folded result;
    for (size_t i = 0; i < parts_.size(); ++i) {
      if (parts_[i].node->kind->channel_map == nullptr) continue;
      const std::string why = FoldPart(static_cast<int>(i));
      if (why.empty()) {
        result.folded.push_back(parts_[i].node->name);
      } else {
        result.unfolded.push_back({parts_[i].node->name, why});
      }
    }
    return Collect(std::move(result));
  }

 private:
  int Position(const Node& node) const { return static_cast<int>(&node - graph_.nodes().data()); }
  bool Owns(const Node& node) const { return node.owner == Position(node); }
  Part& part(int position) { return parts_[static_cast<size_t>(position)]; }

  // Its weights belong to it alone.
  bool Alone(int position) {
    const int owner = part(position).node->owner;
    return std::ranges::count_if(
               parts_, [&](const Part& other) { return other.node->owner == owner; }) == 1;
  }

  std::vector<int> ConsumersOf(int position) const {
    std::vector<int> consumers;
    for (size_t i = 0; i < parts_.size(); ++i) {
      if (parts_[i].gone) continue;
      for (const int input : parts_[i].inputs) {
        if (input == position) consumers.push_back(static_cast<int>(i));
      }
    }
    return consumers;
  }

  // Somebody outside takes what it gives, by its name.
  bool IsNamedOutput(int position) const {
    return graph_.names_outputs() && graph_.is_output(position);
  }

  // Why not; empty when it has been done.
  std::string FoldPart(int position) {
    if (!Alone(position)) return "its weights are used more than once";
    if (IsNamedOutput(position)) return "it is an output of the model";
    Part& folded = part(position);
    const layers::ChannelMap map = folded.node->kind->channel_map(folded.spec, folded.weights);
    if (!FoldBack(position, map) && !FoldAhead(position, map)) {
      return "no product before it without an activation, and none behind it without borders, that "
             "is used by nothing else";
    }
    folded.gone = true;
    for (Part& other : parts_) std::ranges::replace(other.inputs, position, folded.inputs[0]);
    return "";
  }

  bool FoldBack(int position, const layers::ChannelMap& map) {
    const int before = part(position).inputs[0];
    if (IsModelInput(before) || IsNamedOutput(before) || ConsumersOf(before).size() != 1 ||
        !Alone(before))
      return false;
    Part& product = part(before);
    return product.node->kind->absorb_after != nullptr &&
           product.node->kind->absorb_after(product.spec, map, product.node->output_shape,
                                            product.weights);
  }

  bool FoldAhead(int position, const layers::ChannelMap& map) {
    for (int at = position;;) {
      if (IsNamedOutput(at)) return false;
      const std::vector<int> consumers = ConsumersOf(at);
      if (consumers.size() != 1) return false;
      Part& next = part(consumers[0]);
      if (next.node->kind->absorb_before != nullptr) {
        return Alone(consumers[0]) &&
               next.node->kind->absorb_before(
                   next.spec, map, graph_.input_shapes_of(consumers[0])[0], next.weights);
      }
      const int64_t width = next.node->output_shape.back();
      if (!graph_.is_view(consumers[0]) || width % static_cast<int64_t>(map.scale.size()) != 0)
        return false;
      at = consumers[0];
    }
  }

  absl::StatusOr<Folded> Collect(Folded result) const {
    result.spec = graph_.spec();
    result.spec.clear_layers();
    for (const Part& kept : parts_) {
      if (kept.gone) continue;
      v1::Layer& layer = *result.spec.add_layers();
      layer = kept.spec;
      layer.clear_inputs();
      for (const int input : kept.inputs)
        layer.add_inputs(IsModelInput(input) ? graph_.inputs()[InputOfIndex(input)].name
                                             : parts_[static_cast<size_t>(input)].node->name);
      for (const std::vector<double>& values : kept.weights)
        result.weights.emplace_back(values.begin(), values.end());
    }
    ASSIGN_OR_RETURN(const Graph made, Graph::Create(result.spec));
    if (made.parameters().size() != result.weights.size())
      return absl::InternalError("the folded network has other weights than were made for it");
    return result;
  }

  const Graph& graph_;
  std::vector<Part> parts_;
};

}  // namespace

bool MayFold(const Graph& graph) {
  return std::ranges::any_of(graph.nodes(),
                             [](const Node& node) { return node.kind->channel_map != nullptr; });
}

absl::StatusOr<Folded> Fold(const Graph& graph, std::span<const std::vector<float>> weights) {
  return Folding(graph, weights).Run();
}

}  // namespace gradus::graph
