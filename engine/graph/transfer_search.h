// SPDX-License-Identifier: Apache-2.0
// How many of a base's layers to reuse: the trials of a search.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "gradus/v1/job.pb.h"

namespace gradus::graph {

// The lowest `reuse` layers start from the base, the lowest `freeze` of them stay as they are in
// the first stage.
struct TransferTrial {
  int reuse = 0;
  int freeze = 0;

  bool operator==(const TransferTrial&) const = default;
};

// Checks spec.transfer_search and fills in its defaults. `figures`: those of the job, the default
// of most monitors first; `cores`: those of the job. Paths are below the spec.
absl::Status CheckTransferSearch(v1::JobSpec& spec, const Graph& graph,
                                 std::span<const std::string> figures, int cores);

// The trials of a checked search, each once, by reuse, then by freeze; those in which a stage would
// have nothing to train are left out. The first one is the network from scratch.
absl::StatusOr<std::vector<TransferTrial>> TransferTrials(const v1::JobSpec& spec,
                                                          const Graph& graph);

// The job of one trial: on one core, without a publication, checkpoints and a search.
v1::JobSpec SpecOfTrial(const v1::JobSpec& spec, const Graph& graph, const TransferTrial& trial);

}  // namespace gradus::graph
