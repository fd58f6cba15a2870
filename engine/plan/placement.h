// SPDX-License-Identifier: Apache-2.0
// Where each block of a plan lies in its arena: blocks that are never alive together share memory.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace gradus::plan {

// Memory that is needed from moment `first` to moment `last`, both included.
struct Block {
  size_t bytes = 0;
  int first = 0;
  int last = 0;
};

struct Placement {
  // An offset a block, multiples of 64.
  std::vector<size_t> offsets;
  size_t total = 0;
};

// First fit, largest blocks first; the same blocks give the same places. At most twice the least
// total for the chains that networks are.
Placement Place(std::span<const Block> blocks);

}  // namespace gradus::plan
