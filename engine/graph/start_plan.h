// SPDX-License-Identifier: Apache-2.0
// Where each weight tensor of a model starts.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "gradus/v1/events.pb.h"

namespace gradus::graph {

// Shapes of a published model's tensors by their names, LAYER/kernel.
using PublishedTensors = std::map<std::string, std::vector<int64_t>>;

// Of a network's own tensors.
PublishedTensors TensorsOf(const Graph& graph);

// The model's tensors in their order, then those of `models` (by MODEL@VERSION) that none of them
// takes.
//   Errors   INVALID_ARGUMENT with path layers[i].from: a model that is not among `models` or has no such layer, a
//            tensor that its layer does not have, or has with another shape where the spec does not
//            allow that.
absl::StatusOr<std::vector<v1::TensorStart>> PlanStart(
    const Graph& graph, const std::map<std::string, PublishedTensors>& models);

// What the model's tensors want to start from, MODEL@VERSION/LAYER/kernel, whether it is there or
// not.
std::set<std::string> TensorsTaken(const Graph& graph);

}  // namespace gradus::graph
