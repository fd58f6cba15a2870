// SPDX-License-Identifier: Apache-2.0
// Regularizers of layers' outputs, wherever the layers are.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "engine/plan/executable.h"
#include "tests/unit/engine/plan/nets.h"

namespace gradus::plan {
namespace {

constexpr int64_t kRows = 24;

struct Cut {
  int shards;
  int cores;
};
constexpr Cut kCuts[] = {{1, 1}, {1, 2}, {4, 2}};

v1::ModelSpec Spec() {
  v1::ModelSpec spec;
  spec.add_input_shape(3);
  spec.add_input_shape(5);
  v1::Dense& first = *spec.add_layers()->mutable_dense();
  first.set_units(7);
  first.mutable_activation()->mutable_tanh();
  spec.add_layers()->mutable_flatten();
  spec.add_layers()->mutable_dense()->set_units(11);
  spec.add_layers()->mutable_activation()->mutable_sigmoid();
  v1::Dense& last = *spec.add_layers()->mutable_dense();
  last.set_units(4);
  last.mutable_activation()->mutable_softmax();
  return spec;
}

constexpr int kLayers = 5;

graph::Graph Penalized(const std::vector<int>& layers) {
  v1::ModelSpec spec = Spec();
  for (const int layer : layers)
    spec.mutable_layers(layer)->mutable_activity_regularizer()->mutable_l2()->set_l2(0.5);
  return graph::Graph::Create(spec).value();
}

std::unique_ptr<Executable> Make(const graph::Graph& graph, const Cut& cut) {
  TrainSetup setup = ClassifierSetup(kRows, cut.shards, cut.cores);
  setup.optimizer.mutable_sgd()->set_learning_rate(1);
  auto executable = Executable::Create(graph, setup).value();
  executable->InitializeWeights(3);
  return executable;
}

double Loss(Executable& executable, const Rows& rows) {
  Totals totals;
  EXPECT_TRUE(executable.EvalStep(rows.batch(), &totals).ok());
  return totals.loss / static_cast<double>(totals.rows);
}

TEST(ActivityRegularizer, AddsTheSumOverTheBatchOverItsRows) {
  for (const Cut& cut : kCuts) {
    const graph::Graph plain = graph::Graph::Create(Spec()).value();
    const Rows rows(plain, kRows, 1);
    double sum = 0;
    for (int layer = 0; layer < kLayers; ++layer) {
      const double term =
          Loss(*Make(Penalized({layer}), cut), rows) - Loss(*Make(plain, cut), rows);
      EXPECT_GT(term, 0.01) << layer;
      sum += term;
    }
    EXPECT_NEAR(Loss(*Make(Penalized({0, 1, 2, 3, 4}), cut), rows) - Loss(*Make(plain, cut), rows),
                sum, 1e-5);
  }
}

// The last layer's outputs are probabilities: their squares are known where all logits are equal.
TEST(ActivityRegularizer, LooksAtWhatTheActivationGives) {
  const graph::Graph graph = Penalized({4});
  const auto executable = Make(graph, {1, 1});
  std::vector<NamedTensor> weights = executable->ExportWeights();
  for (NamedTensor& tensor : weights) std::fill(tensor.values.begin(), tensor.values.end(), 0.0F);
  ASSERT_TRUE(executable->ImportWeights(weights).ok());
  EXPECT_NEAR(Loss(*executable, Rows(graph, kRows, 1)), std::log(4) + 0.5 * 4 * 0.25 * 0.25, 1e-6);
}

// By central differences of the evaluated loss.
TEST(ActivityRegularizer, AStepFollowsTheGradientOfTheWholeLoss) {
  for (const std::vector<int>& layers :
       {std::vector<int>{0}, {1}, {2}, {3}, {4}, {0, 1, 2, 3, 4}}) {
    const graph::Graph graph = Penalized(layers);
    const Rows rows(graph, kRows, 1);
    for (const Cut& cut : kCuts) {
      const auto executable = Make(graph, cut);
      const std::vector<NamedTensor> before = executable->ExportWeights();
      Totals totals;
      ASSERT_TRUE(executable->TrainStep(rows.batch(), &totals).ok());
      const std::vector<NamedTensor> after = executable->ExportWeights();
      for (size_t i = 0; i < before.size(); ++i) {
        for (size_t k = 0; k < before[i].values.size(); k += 1 + before[i].values.size() / 3) {
          constexpr float kStep = 0.01F;
          NamedTensor moved = before[i];
          const auto at = [&](float step) {
            EXPECT_TRUE(executable->ImportWeights(before).ok());
            moved.values[k] = before[i].values[k] + step;
            EXPECT_TRUE(executable->ImportWeights(std::span(&moved, 1)).ok());
            return Loss(*executable, rows);
          };
          const double slope = (at(kStep) - at(-kStep)) / (2 * static_cast<double>(kStep));
          EXPECT_NEAR(
              static_cast<double>(before[i].values[k]) - static_cast<double>(after[i].values[k]),
              slope, 1e-3)
              << before[i].name << " " << k << ", " << layers.size() << " from " << layers[0];
        }
      }
    }
  }
}

TEST(ActivityRegularizer, OfAFrozenBeginningIsInTheLossAlone) {
  const graph::Graph graph = Penalized({0});
  TrainSetup setup = ClassifierSetup(kRows, 1, 1);
  setup.trainable = {false, true, true, true, true};
  const auto penalized = Executable::Create(graph, setup).value();
  const auto plain = Executable::Create(graph::Graph::Create(Spec()).value(), setup).value();
  Totals totals[2];
  for (const auto& executable : {penalized.get(), plain.get()}) {
    executable->InitializeWeights(3);
    ASSERT_TRUE(
        executable->TrainStep(Rows(graph, kRows, 1).batch(), &totals[executable == plain.get()])
            .ok());
  }
  EXPECT_GT(totals[0].loss, totals[1].loss);
  EXPECT_EQ(WeightsSha256(penalized->ExportWeights()), WeightsSha256(plain->ExportWeights()));
}

}  // namespace
}  // namespace gradus::plan
