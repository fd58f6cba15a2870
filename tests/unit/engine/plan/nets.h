// SPDX-License-Identifier: Apache-2.0
// Small networks and batches for the tests of plans.
#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/plan/executable.h"

namespace gradus::plan {

// inputs -> dense relu ... -> dense softmax of the last size.
inline graph::Graph Classifier(const std::vector<int64_t>& sizes) {
  v1::ModelSpec spec;
  spec.add_input_shape(sizes[0]);
  for (size_t i = 1; i < sizes.size(); ++i) {
    v1::Dense& dense = *spec.add_layers()->mutable_dense();
    dense.set_units(sizes[i]);
    if (i + 1 < sizes.size()) {
      dense.mutable_activation()->mutable_relu();
    } else {
      dense.mutable_activation()->mutable_softmax();
    }
    dense.mutable_kernel_initializer()->mutable_he_normal();
    dense.mutable_bias_initializer()->mutable_variance_scaling();
  }
  return graph::Graph::Create(spec).value();
}

inline TrainSetup ClassifierSetup(int64_t batch, int shards, int cores) {
  TrainSetup setup;
  setup.loss.mutable_sparse_categorical_crossentropy();
  setup.optimizer.mutable_sgd()->set_learning_rate(0.1);
  setup.metrics.emplace_back().mutable_accuracy();
  setup.batch_size = batch;
  setup.logical_shards = shards;
  setup.cores = cores;
  return setup;
}

struct Rows {
  Rows(const graph::Graph& graph, int64_t count, unsigned seed) : rows(count) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    inputs.resize(static_cast<size_t>(count * graph.input_values()));
    for (float& value : inputs) value = normal(random);
    for (int64_t i = 0; i < count; ++i)
      labels.push_back(
          static_cast<int32_t>(random() % static_cast<uint32_t>(graph.output_values())));
  }
  Batch batch() const { return {inputs.data(), labels.data(), rows}; }

  int64_t rows;
  std::vector<float> inputs;
  std::vector<int32_t> labels;
};

}  // namespace gradus::plan
