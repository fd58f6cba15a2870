// SPDX-License-Identifier: Apache-2.0
// Finds each float's vector by sending the vectors' numbers through the layout.
#include "engine/plan/weight_constraints.h"

#include <algorithm>
#include <cmath>

namespace gradus::plan {
namespace {

// Vectors of a weight: what has one place on the last axis; a weight of one axis is one vector.
int64_t VectorsOf(const graph::Parameter& parameter) {
  return parameter.shape.size() == 1 ? 1 : parameter.shape.back();
}

// One more than the number of each float's vector; 0 for padding. Floats hold all numbers up to
// 2^24, the largest extent of a shape.
std::vector<float> VectorNumbers(const graph::Parameter& parameter,
                                 const kernels::WeightLayout& layout) {
  const int64_t vectors = VectorsOf(parameter);
  std::vector<float> published(static_cast<size_t>(parameter.count));
  for (size_t i = 0; i < published.size(); ++i)
    published[i] = static_cast<float>(static_cast<int64_t>(i) % vectors + 1);
  std::vector<float> placed(layout.floats());
  layout.FromPublic(published.data(), placed.data());
  return placed;
}

}  // namespace

WeightConstraints::WeightConstraints(const graph::Graph& graph, const ParameterStore& parameters) {
  for (size_t i = 0; i < graph.parameters().size(); ++i) {
    const graph::Parameter& parameter = graph.parameters()[i];
    const auto index = static_cast<int>(i);
    const constraints::ConstraintKind* kind = constraints::Find(parameter.constraint);
    if (kind == nullptr || parameters.role(index) != Role::kTrained) continue;
    Constrained& constrained = constrained_.emplace_back();
    constrained.kind = kind;
    constrained.spec = parameter.constraint;
    constrained.weights = parameters.weights() + parameters.offset(index);
    constrained.floats = parameters.layout(index)->floats();
    if (kind->factor == nullptr) continue;
    for (const float number : VectorNumbers(parameter, *parameters.layout(index)))
      constrained.vector_of.push_back(static_cast<int32_t>(number) - 1);
    constrained.squares.resize(static_cast<size_t>(VectorsOf(parameter)));
    constrained.factors.resize(constrained.squares.size());
  }
}

void WeightConstraints::Apply(size_t rank, size_t ranks) {
  for (size_t i = rank; i < constrained_.size(); i += ranks) {
    Constrained& constrained = constrained_[i];
    if (constrained.kind->factor == nullptr) {
      constrained.kind->elements(constrained.weights, constrained.floats);
    } else {
      Scale(constrained);
    }
  }
}

void WeightConstraints::Scale(Constrained& c) {
  std::ranges::fill(c.squares, 0.0);
  for (size_t k = 0; k < c.floats; ++k) {
    if (c.vector_of[k] == kPadding) continue;
    const auto weight = static_cast<double>(c.weights[k]);
    c.squares[static_cast<size_t>(c.vector_of[k])] += weight * weight;
  }
  for (size_t v = 0; v < c.squares.size(); ++v)
    c.factors[v] = static_cast<float>(c.kind->factor(c.spec, std::sqrt(c.squares[v])));
  for (size_t k = 0; k < c.floats; ++k) {
    if (c.vector_of[k] != kPadding) c.weights[k] *= c.factors[static_cast<size_t>(c.vector_of[k])];
  }
}

}  // namespace gradus::plan
