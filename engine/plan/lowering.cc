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
  Lowering(const graph::Graph& graph, v1::Activation::KindCase fused, bool from_logits)
      : graph_(graph),
        fused_(fused),
        from_logits_(from_logits),
        values_(graph.nodes().size()),
        takers_(graph.nodes().size()) {}

  absl::StatusOr<LoweredGraph> Run() && {
    lowered_.value_floats.push_back(graph_.input_values());
    lowered_.logits = from_logits_;
    for (const graph::Node& node : graph_.nodes()) {
      for (const int input : node.inputs) {
        if (input != graph::kModelInput) ++takers_[static_cast<size_t>(input)];
      }
    }
    for (size_t i = 0; i < graph_.nodes().size(); ++i) LowerNode(static_cast<int>(i));
    lowered_.output = values_.back();
    return std::move(lowered_);
  }

 private:
  void LowerNode(int index) {
    const graph::Node& node = graph_.nodes()[static_cast<size_t>(index)];
    std::vector<int> srcs;
    for (const int input : node.inputs)
      srcs.push_back(input == graph::kModelInput ? kInputValue
                                                 : values_[static_cast<size_t>(input)]);
    std::vector<layers::Lowered> chain = node.kind->lower(node.spec, graph_.input_shapes_of(index));
    const regularizers::Coefficients penalty =
        regularizers::CoefficientsOf(node.spec.activity_regularizer());
    const bool last = static_cast<size_t>(index) + 1 == graph_.nodes().size();
    if (last && !penalty.any()) LeaveLastActivationToLoss(chain);
    // An activation that is a layer of its own joins the layer before it, if nobody else takes that
    // one's output.
    const bool alone = node.inputs.size() == 1 && node.inputs[0] != graph::kModelInput &&
                       takers_[static_cast<size_t>(node.inputs[0])] == 1;
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

  // The loss looks at it as it is.
  bool IsPenalized(int value) const {
    return std::ranges::any_of(lowered_.penalties, [value](const ValuePenalty& penalty) {
      return penalty.value == value;
    });
  }

  void LeaveLastActivationToLoss(std::vector<layers::Lowered>& chain) {
    if (from_logits_ || chain.empty() || chain.back().activation != fused_) return;
    if (fused_ == v1::Activation::KIND_NOT_SET) return;
    chain.pop_back();
    lowered_.logits = true;
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
  const v1::Activation::KindCase fused_;
  const bool from_logits_;
  LoweredGraph lowered_;
  std::vector<int> values_;  // of each node's output
  std::vector<int> takers_;  // of each node's output
};

}  // namespace

absl::StatusOr<LoweredGraph> LowerGraph(const graph::Graph& graph, const v1::Loss& loss) {
  const losses::LossKind* kind = losses::Find(loss);
  if (kind == nullptr) return Lowering(graph, v1::Activation::KIND_NOT_SET, false).Run();
  return Lowering(graph, kind->fuses, kind->from_logits(loss)).Run();
}

}  // namespace gradus::plan
