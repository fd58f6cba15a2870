// SPDX-License-Identifier: Apache-2.0
// Joins neighbours that are updated alike.
#include "engine/plan/update_parts.h"

#include <algorithm>

namespace gradus::plan {
namespace {

double RateFactorOf(const graph::Graph& graph, const graph::Parameter& parameter,
                    std::span<const double> rate_factors) {
  if (!rate_factors.empty()) return rate_factors[static_cast<size_t>(parameter.layer)];
  const v1::Layer& layer = graph.nodes()[static_cast<size_t>(parameter.layer)].spec;
  return layer.has_learning_rate_factor() ? layer.learning_rate_factor() : 1;
}

size_t IndexOf(double factor, std::vector<double>& factors) {
  const auto found = std::ranges::find(factors, factor);
  if (found != factors.end()) return static_cast<size_t>(found - factors.begin());
  factors.push_back(factor);
  return factors.size() - 1;
}

}  // namespace

UpdateParts MakeUpdateParts(const graph::Graph& graph, const ParameterStore& parameters,
                            std::span<const double> rate_factors) {
  UpdateParts all;
  all.penalties.resize(graph.parameters().size());
  for (size_t i = 0; i < graph.parameters().size(); ++i) {
    const graph::Parameter& parameter = graph.parameters()[i];
    if (parameters.role(static_cast<int>(i)) != Role::kTrained) continue;
    const size_t begin = parameters.offset(static_cast<int>(i));
    const size_t rate = IndexOf(RateFactorOf(graph, parameter, rate_factors), all.rate_factors);
    const regularizers::Coefficients penalty = regularizers::CoefficientsOf(parameter.regularizer);
    all.penalties[i] = penalty;
    all.penalized = all.penalized || penalty.any();
    if (!all.parts.empty()) {
      UpdatePart& before = all.parts.back();
      before.end = begin;
      if (before.rate == rate && before.penalty == penalty) continue;
    }
    all.parts.push_back({.begin = begin, .end = begin, .rate = rate, .penalty = penalty});
  }
  if (!all.parts.empty()) all.parts.back().end = parameters.trainable_floats();
  return all;
}

}  // namespace gradus::plan
