// SPDX-License-Identifier: Apache-2.0
// Lowers each layer by its kind, then joins what one kernel can do.
#include "engine/plan/lowering.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/layers/kind.h"
#include "engine/training/losses/kind.h"

namespace gradus::plan {
namespace {

// Links that one layer may have, for streams of random numbers that never meet.
constexpr uint32_t kMostLinks = 64;

class Lowering {
 public:
  Lowering(const graph::Graph& graph, std::span<const graph::Goal> goals)
      : graph_(graph),
        goals_(goals),
        values_(graph.nodes().size()),
        readers_(graph.nodes().size()),
        outputs_of_(graph.nodes().size()) {}

  LoweredGraph Run() && {
    for (const graph::ModelInput& input : graph_.inputs())
      lowered_.value_floats.push_back(input.values);
    lowered_.inputs = lowered_.value_floats.size();
    lowered_.outputs.resize(graph_.outputs().size());
    for (size_t i = 0; i < goals_.size(); ++i)
      lowered_.outputs[i].logits = goals_[i].scored.loss->from_logits(goals_[i].loss);
    FindReaders();
    for (size_t i = 0; i < graph_.nodes().size(); ++i) LowerNode(static_cast<int>(i));
    for (size_t i = 0; i < lowered_.outputs.size(); ++i)
      lowered_.outputs[i].value = values_[static_cast<size_t>(graph_.outputs()[i])];
    return std::move(lowered_);
  }

 private:
  void LowerNode(int index) {
    const graph::Node& node = graph_.nodes()[static_cast<size_t>(index)];
    std::vector<int> srcs;
    for (const int input : node.inputs) srcs.push_back(ValueOf(input));
    std::vector<layers::Lowered> chain = node.kind->lower(node.spec, graph_.input_shapes_of(index));
    const regularizers::Coefficients penalty =
        regularizers::CoefficientsOf(node.spec.activity_regularizer());
    if (!penalty.any()) LeaveLastActivationToLoss(index, chain);
    // An activation that is a layer of its own joins the layer before it, if nobody else takes that
    // one's values, under whatever shape.
    const int source = SourceOf(node.inputs[0]);
    const bool alone = node.inputs.size() == 1 && !graph::IsModelInput(source) &&
                       readers_[static_cast<size_t>(source)] == 1 &&
                       outputs_of_[static_cast<size_t>(source)] == 0;
    bool may_join = alone && !lowered_.links.empty() && lowered_.links.back().dst == srcs[0] &&
                    !IsPenalized(srcs[0]);
    for (size_t i = 0; i < chain.size(); ++i) {
      if (chain[i].operation->is_view()) continue;
      if (may_join && Absorb(lowered_.links.back(), chain[i])) continue;
      srcs = {Append(node, std::move(chain[i]), std::move(srcs), static_cast<uint32_t>(i))};
      may_join = true;
    }
    values_[static_cast<size_t>(index)] = srcs[0];
    if (penalty.any()) lowered_.penalties.push_back({srcs[0], penalty});
  }

  // The node that computes what this one gives: itself, but for views.
  int SourceOf(int node) const {
    return graph::IsModelInput(node) ? node : sources_[static_cast<size_t>(node)];
  }

  void FindReaders() {
    for (size_t i = 0; i < graph_.nodes().size(); ++i) {
      const graph::Node& node = graph_.nodes()[i];
      const bool view = graph_.is_view(static_cast<int>(i));
      sources_.push_back(view ? SourceOf(node.inputs[0]) : static_cast<int>(i));
      for (const int input : node.inputs) {
        const int source = SourceOf(input);
        if (!view && !graph::IsModelInput(source)) ++readers_[static_cast<size_t>(source)];
      }
    }
    for (const int output : graph_.outputs()) {
      const int source = SourceOf(output);
      if (!graph::IsModelInput(source)) ++outputs_of_[static_cast<size_t>(source)];
    }
  }

  int ValueOf(int node) const {
    return graph::IsModelInput(node) ? static_cast<int>(graph::InputOfIndex(node))
                                     : values_[static_cast<size_t>(node)];
  }

  // The loss looks at it as it is.
  bool IsPenalized(int value) const {
    return std::ranges::any_of(lowered_.penalties, [value](const ValuePenalty& penalty) {
      return penalty.value == value;
    });
  }

  // Where nothing else looks at the layer's output.
  void LeaveLastActivationToLoss(int index, std::vector<layers::Lowered>& chain) {
    const auto at = static_cast<size_t>(index);
    if (chain.empty() || readers_[at] > 0 || outputs_of_[at] > 1) return;
    const auto output =
        static_cast<size_t>(std::ranges::find(graph_.outputs(), index) - graph_.outputs().begin());
    if (output >= goals_.size() || lowered_.outputs[output].logits) return;
    const v1::Activation::KindCase last = chain.back().activation;
    if (last == v1::Activation::KIND_NOT_SET || last != goals_[output].scored.loss->fuses) return;
    chain.pop_back();
    lowered_.outputs[output].logits = true;
  }

  static bool Absorb(Link& link, const layers::Lowered& part) {
    if (!part.weights.empty()) return false;
    std::unique_ptr<const kernels::Operation> both = link.operation->Absorb(*part.operation);
    if (both == nullptr) return false;
    link.operation = std::move(both);
    return true;
  }

  int Append(const graph::Node& node, layers::Lowered part, std::vector<int> srcs, uint32_t at) {
    Link link;
    link.srcs = std::move(srcs);
    link.dst = static_cast<int>(lowered_.value_floats.size());
    link.layer = node.owner;
    link.stream = static_cast<uint32_t>(&node - graph_.nodes().data()) * kMostLinks + at;
    lowered_.value_floats.push_back(part.operation->dst_values());
    for (const int weight : part.weights) link.parameters.push_back(node.first_parameter + weight);
    link.operation = std::move(part.operation);
    lowered_.links.push_back(std::move(link));
    return lowered_.links.back().dst;
  }

  const graph::Graph& graph_;
  const std::span<const graph::Goal> goals_;
  LoweredGraph lowered_;
  std::vector<int> values_;      // of each node's output
  std::vector<int> sources_;     // of each node
  std::vector<int> readers_;     // layers that compute with a source's values
  std::vector<int> outputs_of_;  // the model's outputs that are a source's values
};

}  // namespace

LoweredGraph LowerGraph(const graph::Graph& graph, std::span<const graph::Goal> goals) {
  return Lowering(graph, goals).Run();
}

}  // namespace gradus::plan
