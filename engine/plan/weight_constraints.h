// SPDX-License-Identifier: Apache-2.0
// Brings constrained weights back to what they may be, wherever they lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/plan/parameter_store.h"
#include "engine/training/constraints/kind.h"
#include "gradus/v1/regularization.pb.h"

namespace gradus::plan {

//   Owns     tables of which float belongs to which vector; the store must outlive it.
//   Threads  ranks may apply their shares at the same time.
class WeightConstraints {
 public:
  WeightConstraints() = default;
  // Of the trained weights that have one.
  WeightConstraints(const graph::Graph& graph, const ParameterStore& parameters);

  bool empty() const { return constrained_.empty(); }
  // To every `ranks`th weight, from number `rank` on. Sums are in double, in the order in which the
  // floats lie. Allocates nothing.
  void Apply(size_t rank, size_t ranks);

 private:
  struct Constrained {
    const constraints::ConstraintKind* kind = nullptr;
    v1::Constraint spec;
    float* weights = nullptr;
    size_t floats = 0;
    // Of each float; kPadding for none. Empty where vectors do not matter.
    std::vector<int32_t> vector_of;
    // Of each vector.
    std::vector<double> squares;
    std::vector<float> factors;
  };
  static constexpr int32_t kPadding = -1;

  static void Scale(Constrained& constrained);

  std::vector<Constrained> constrained_;
};

}  // namespace gradus::plan
