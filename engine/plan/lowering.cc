// SPDX-License-Identifier: Apache-2.0
// Lowers each layer by its kind, then joins what one kernel can do.
#include "engine/plan/lowering.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/layers/kind.h"
#include "engine/training/losses/kind.h"

namespace gradus::plan {
namespace {

class Lowering {
 public:
  Lowering(const graph::Graph& graph, const losses::LossKind& loss, bool from_logits)
      : graph_(graph),
        loss_(loss),
        from_logits_(from_logits),
        values_(graph.nodes().size()),
        takers_(graph.nodes().size()) {}

  absl::StatusOr<LoweredGraph> Run() && {
    lowered_.value_floats.push_back(graph_.input_values());
    lowered_.logits = from_logits_;
    for (size_t i = 0; i < graph_.nodes().size(); ++i) {
      const absl::Status status = LowerNode(static_cast<int>(i));
      if (!status.ok()) return status;
    }
    lowered_.output = values_.back();
    return std::move(lowered_);
  }

 private:
  absl::Status LowerNode(int index) {
    const graph::Node& node = graph_.nodes()[static_cast<size_t>(index)];
    std::vector<layers::Shape> shapes;
    for (const int input : node.inputs) {
      const auto shape =
          input == graph::kModelInput
              ? graph_.input_shape()
              : std::span<const int64_t>(graph_.nodes()[static_cast<size_t>(input)].output_shape);
      shapes.emplace_back(shape.begin(), shape.end());
      // Gradients of a value that two layers take would have to be added; no kind of layer can lead
      // there yet, see Graph.
      if (input != graph::kModelInput && ++takers_[static_cast<size_t>(input)] > 1) {
        return absl::InternalError(
            absl::StrCat("the output of \"", node.name, "\"'s input is taken twice"));
      }
    }
    std::vector<layers::Lowered> chain = node.kind->lower(node.spec, shapes);
    if (static_cast<size_t>(index) + 1 == graph_.nodes().size()) LeaveLastActivationToLoss(chain);
    int value = node.inputs[0] == graph::kModelInput ? kInputValue
                                                     : values_[static_cast<size_t>(node.inputs[0])];
    const size_t first_link = lowered_.links.size();
    for (layers::Lowered& part : chain) {
      if (part.operation->is_view()) continue;
      if (lowered_.links.size() > first_link && Absorb(lowered_.links.back(), part)) continue;
      value = Append(node, std::move(part), value);
    }
    values_[static_cast<size_t>(index)] = value;
    return absl::OkStatus();
  }

  void LeaveLastActivationToLoss(std::vector<layers::Lowered>& chain) {
    if (from_logits_ || chain.empty() || chain.back().activation != loss_.fuses) return;
    if (chain.back().activation == v1::Activation::KIND_NOT_SET) return;
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

  int Append(const graph::Node& node, layers::Lowered part, int src) {
    Link link;
    link.src = src;
    link.dst = static_cast<int>(lowered_.value_floats.size());
    lowered_.value_floats.push_back(part.operation->dst_values());
    for (const int weight : part.weights) link.parameters.push_back(node.first_parameter + weight);
    link.operation = std::move(part.operation);
    lowered_.links.push_back(std::move(link));
    return lowered_.links.back().dst;
  }

  const graph::Graph& graph_;
  const losses::LossKind& loss_;
  const bool from_logits_;
  LoweredGraph lowered_;
  std::vector<int> values_;  // of each node's output
  std::vector<int> takers_;  // of each node's output
};

}  // namespace

absl::StatusOr<LoweredGraph> LowerGraph(const graph::Graph& graph, const v1::Loss& loss) {
  const losses::LossKind* kind = losses::Find(loss);
  if (kind == nullptr) return absl::InvalidArgumentError("a loss is required");
  return Lowering(graph, *kind, kind->from_logits(loss)).Run();
}

}  // namespace gradus::plan
