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
};

}  // namespace gradus::layers
