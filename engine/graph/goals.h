// SPDX-License-Identifier: Apache-2.0
// What each of a model's outputs is trained for.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/training/metrics/metric_set.h"
#include "gradus/v1/job.pb.h"

namespace gradus::graph {

// Of one output.
struct Goal {
  // The output's layer, where there are several: figures have it before their names.
  std::string name;
  v1::Loss loss;
  // What this loss counts in the sum.
  double weight = 1;
  std::vector<v1::Metric> metrics;
  // What they look at.
  metrics::Scored scored;
};

// Checks loss, metrics and outputs of a job against the graph, and fills in their defaults: for a
// model with named outputs an entry for each, in their order.
//   Errors   INVALID_ARGUMENT with the field's path: "outputs[1].loss.huber.delta".
absl::StatusOr<std::vector<Goal>> CheckGoals(const Graph& graph, v1::JobSpec& spec);

// The same of parts of a job that have been checked. INVALID_ARGUMENT where they do not fit the
// graph.
absl::StatusOr<std::vector<Goal>> GoalsOf(const Graph& graph, const v1::Loss& loss,
                                          std::span<const v1::Metric> metrics,
                                          std::span<const v1::OutputTraining> outputs);

// What the metrics of all outputs look at.
metrics::MetricSet MetricsOf(std::span<const Goal> goals);

}  // namespace gradus::graph
