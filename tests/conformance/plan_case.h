// SPDX-License-Identifier: Apache-2.0
// Small networks around every layer, with every loss and every optimizer that fits.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/layers/kind.h"
#include "engine/plan/executable.h"
#include "gradus/v1/losses.pb.h"
#include "gradus/v1/metrics.pb.h"
#include "gradus/v1/optimizers.pb.h"

namespace gradus::conformance {

struct PlanCase {
  std::string name;
  graph::Graph graph;
  v1::Loss loss;
  v1::Optimizer optimizer;
  // All that go with the loss.
  std::vector<v1::Metric> metrics;
  // Training draws random numbers.
  bool random = false;
  // As in layers::Sample.
  int64_t whole_below = 0;

  plan::TrainSetup Setup(int64_t batch_size, int shards, int cores) const;
};

// Each sample alone with each loss, then with one of the other optimizers.
std::vector<PlanCase> AloneCases(const layers::LayerKind& kind);

// Each sample used twice on the same input, and the two uses brought together: one set of weights.
std::vector<PlanCase> SharedCases(const layers::LayerKind& kind);

// Each sample behind some layer that has weights, where there is one that can come before it.
std::vector<PlanCase> BehindCases(const layers::LayerKind& kind);

}  // namespace gradus::conformance
