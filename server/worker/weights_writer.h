// SPDX-License-Identifier: Apache-2.0
// The weights of an uploaded model, as they are stored.
#pragma once

#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "engine/graph/graph.h"
#include "engine/plan/tensor_list.h"
#include "server/worker/parse_task.h"

namespace gradus::worker {

// Takes all of a graph's parameters in their order, a piece of each at a time.
//   Threads  one.
class WeightsWriter {
 public:
  // Both must outlive it.
  WeightsWriter(const graph::Graph& graph, OutputFile& output) : graph_(graph), output_(output) {}

  void Begin(const graph::Parameter& parameter) { digest_.Begin(parameter.name, parameter.shape); }
  absl::Status Add(std::span<const float> values);
  // The model, as RunParse answers it. Once.
  nlohmann::json Finish();

 private:
  const graph::Graph& graph_;
  OutputFile& output_;
  plan::WeightsDigest digest_;
};

}  // namespace gradus::worker
