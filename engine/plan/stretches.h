// SPDX-License-Identifier: Apache-2.0
// The gradients' arena in stretches that become complete one after the other in the backward pass,
// so that what is done is exchanged while the rest is computed.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/plan/lowering.h"
#include "engine/plan/parameter_store.h"

namespace gradus::plan {

// Floats begin ... end - 1 of a shard's gradients.
struct Stretch {
  size_t begin = 0;
  size_t end = 0;
  // After which link, forward or backward, it is complete; as in shard_compiler.cc.
  int moment = 0;
};

// The whole gathered arena, in the order in which stretches become complete; about a megabyte
// each, but never less than a whole weight. It follows from the graph and the layouts alone, so it
// is the same in all processes of a job.
std::vector<Stretch> CutIntoStretches(const LoweredGraph& graph, const ParameterStore& parameters);

// Of each parameter, the number of its stretch; -1 for fixed ones.
std::vector<int> StretchOfParameter(std::span<const Stretch> stretches,
                                    const ParameterStore& parameters);

}  // namespace gradus::plan
