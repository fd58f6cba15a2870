// SPDX-License-Identifier: Apache-2.0
// One tensor that belongs to a layer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/v1/initializers.pb.h"
#include "gradus/v1/regularization.pb.h"

namespace gradus::layers {

using Shape = std::vector<int64_t>;

// One weight tensor of a layer.
struct Weight {
  // "kernel", "bias": the second part of the published name.
  std::string name;
  Shape shape;
  v1::Initializer initializer;
  int64_t fan_in = 0;
  int64_t fan_out = 0;
  // Not trained but gathered: after each step in which the layer trains it becomes
  // momentum * itself + (1 - momentum) * what the batch says it is.
  bool statistic = false;
  double momentum = 0;
  // A statistic that no batch moves.
  bool fixed = false;
  // Where the initializer stands below the kind's own message; empty: NAME_initializer.
  std::string initializer_field;
  // Where its values, in C order, start at 1 whatever the initializer says.
  int64_t ones_from = 0;
  int64_t ones_to = 0;
  // Its term of the loss, and what it is kept to; without a kind: none.
  v1::Regularizer regularizer;
  v1::Constraint constraint;
};

}  // namespace gradus::layers
