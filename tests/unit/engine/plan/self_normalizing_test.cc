// SPDX-License-Identifier: Apache-2.0
// A deep network of selu layers keeps its signal: what Klambauer et al. 2017 promise of it.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/layers/activations/kind.h"
#include "engine/plan/executable.h"
#include "tests/unit/engine/plan/nets.h"

namespace gradus::plan {
namespace {

constexpr int64_t kWidth = 160;
constexpr int kLayers = 100;
constexpr size_t kRows = 50;

graph::Graph Deep() {
  v1::ModelSpec spec;
  spec.add_input_shape(kWidth);
  for (int i = 0; i < kLayers; ++i) {
    v1::Dense& dense = *spec.add_layers()->mutable_dense();
    dense.set_units(kWidth);
    dense.mutable_activation()->mutable_selu();
    dense.mutable_kernel_initializer()->mutable_lecun_normal();
  }
  return graph::Graph::Create(spec).value();
}

std::vector<double> Product(const std::vector<double>& x, const std::vector<float>& kernel) {
  constexpr auto kUnits = static_cast<size_t>(kWidth);
  std::vector<double> y(x.size(), 0);
  for (size_t row = 0; row < kRows; ++row) {
    for (size_t i = 0; i < kUnits; ++i) {
      for (size_t unit = 0; unit < kUnits; ++unit)
        y[row * kUnits + unit] +=
            x[row * kUnits + i] * static_cast<double>(kernel[i * kUnits + unit]);
    }
  }
  return y;
}

TEST(SelfNormalizing, EveryOfAHundredLayersKeepsMeanAndDeviation) {
  const graph::Graph graph = Deep();
  TrainSetup setup;
  setup.loss.mutable_mean_squared_error();
  const auto executable = Executable::Create(graph, setup).value();
  executable->InitializeWeights(1);
  std::vector<double> x(kRows * static_cast<size_t>(kWidth));
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  for (double& value : x) value = normal(random);
  int layer = 0;
  for (const NamedTensor& weight : executable->ExportWeights()) {
    if (weight.shape.size() != 2) continue;  // biases are 0
    const v1::Activation& selu =
        graph.nodes()[static_cast<size_t>(layer)].spec.dense().activation();
    x = activations::Find(selu)->reference(selu, Product(x, weight.values));
    double mean = 0;
    double square = 0;
    for (const double value : x) {
      mean += value / static_cast<double>(x.size());
      square += value * value / static_cast<double>(x.size());
    }
    EXPECT_NEAR(mean, 0, 0.1) << "layer " << layer;
    EXPECT_NEAR(std::sqrt(square - mean * mean), 1, 0.1) << "layer " << layer;
    ++layer;
  }
  EXPECT_EQ(layer, kLayers);
}

}  // namespace
}  // namespace gradus::plan
