// SPDX-License-Identifier: Apache-2.0
// A layer with inputs, for tests that run every kind.
#pragma once

#include <cstdint>
#include <vector>

#include "gradus/v1/model.pb.h"

namespace gradus::layers {

struct Sample {
  v1::Layer spec;
  // A shape an input, without the batch.
  std::vector<std::vector<int64_t>> inputs;
  // Where not 0, the inputs are whole numbers from 0 to this, excluded: a gradient by them has no
  // meaning.
  int64_t whole_below = 0;
};

}  // namespace gradus::layers
