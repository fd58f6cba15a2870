// SPDX-License-Identifier: Apache-2.0
// A published network in memory, whole or with its normalizations folded.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "engine/data/view.h"
#include "engine/graph/fold.h"
#include "engine/graph/graph.h"
#include "engine/plan/tensor_list.h"
#include "gradus/v1/data.pb.h"

namespace gradus::trainer {

// A network that answers, and what it is made of: all of the graph's weights, in its order.
struct Network {
  graph::Graph graph;
  std::vector<plan::NamedTensor> weights;
};

// Reads the weights of `graph` from where they are stored.
//   Errors   DATA_LOSS where they are not those of this graph; the opener's as they are.
absl::StatusOr<Network> OpenNetwork(const graph::Graph& graph, const data::BlobOpener& open_blob,
                                    const v1::BlobRef& index);

// graph::Fold.
absl::StatusOr<graph::Folded> FoldNetwork(const Network& whole);

// What a folding has made.
absl::StatusOr<Network> NetworkOf(graph::Folded folded);

}  // namespace gradus::trainer
