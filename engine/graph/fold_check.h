// SPDX-License-Identifier: Apache-2.0
// Checks a job that folds a model.
#pragma once

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "engine/graph/graph.h"
#include "gradus/v1/data.pb.h"
#include "gradus/v1/job.pb.h"

namespace gradus::graph {

// Fills in the defaults of `fold`, of the view that outputs are compared on, and the name to
// publish under; nothing that speaks of training may be there. `graph` is that of spec.model.
//   Errors   INVALID_ARGUMENT with the field's path.
absl::Status CheckFold(v1::JobSpec& spec, const Graph& graph,
                       std::span<const v1::Dataset> datasets);

// Bytes that a rank needs, data mapped from files not counted.
uint64_t FoldMemory(const Graph& graph, int cores);

}  // namespace gradus::graph
