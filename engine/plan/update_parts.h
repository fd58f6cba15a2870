// SPDX-License-Identifier: Apache-2.0
// Which stretches of the trained weights are updated alike.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/plan/parameter_store.h"
#include "engine/training/regularizers/kind.h"

namespace gradus::plan {

// Floats begin ... end of the arenas.
struct UpdatePart {
  size_t begin = 0;
  size_t end = 0;
  // Index into UpdateParts::rate_factors.
  size_t rate = 0;
  regularizers::Coefficients penalty;
};

struct UpdateParts {
  // All trained weights, in order and without gaps: one part where all are updated alike.
  std::vector<UpdatePart> parts;
  // What layers multiply the learning rate by, each number once.
  std::vector<double> rate_factors;
  // One a parameter of the graph; none for what is not trained.
  std::vector<regularizers::Coefficients> penalties;
  // Whether there is any penalty.
  bool penalized = false;
};

// rate_factors: one a layer; empty: the layers' own.
UpdateParts MakeUpdateParts(const graph::Graph& graph, const ParameterStore& parameters,
                            std::span<const double> rate_factors);

}  // namespace gradus::plan
