// SPDX-License-Identifier: Apache-2.0
// Plans of models with several inputs and outputs, and rows that count differently.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "engine/plan/executable.h"
#include "tests/unit/engine/plan/nets.h"

namespace gradus::plan {
namespace {

constexpr int64_t kRows = 12;

struct Cut {
  int shards;
  int cores;
};

// Wide & Deep with an output in the middle that a later layer reads, too.
constexpr char kWideAndDeep[] = R"(
  inputs { name: "wide" shape: 2 } inputs { name: "deep" shape: 3 }
  layers { name: "hidden" inputs: "deep" dense { units: 4 activation { tanh {} } } }
  layers { name: "aux" dense { units: 3 activation { softmax {} } } }
  layers { name: "both" inputs: "wide" inputs: "aux" concatenate {} }
  layers { name: "main" dense { units: 2 } }
  outputs: "main" outputs: "aux")";

graph::Graph GraphOf(const char* text) {
  v1::ModelSpec spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &spec));
  return graph::Graph::Create(spec).value();
}

TrainSetup WideAndDeepSetup(const Cut& cut, double main_weight, double aux_weight) {
  TrainSetup setup;
  setup.optimizer.mutable_sgd()->set_learning_rate(1);
  setup.batch_size = kRows;
  setup.logical_shards = cut.shards;
  setup.cores = cut.cores;
  v1::OutputTraining& main = setup.outputs.emplace_back();
  main.set_name("main");
  main.mutable_loss()->mutable_mean_squared_error();
  main.set_loss_weight(main_weight);
  main.add_metrics()->mutable_mean_absolute_error();
  v1::OutputTraining& aux = setup.outputs.emplace_back();
  aux.set_name("aux");
  aux.mutable_loss()->mutable_sparse_categorical_crossentropy();
  aux.set_loss_weight(aux_weight);
  aux.add_metrics()->mutable_accuracy();
  return setup;
}

// Inputs of two and three floats, targets of two floats and a class of three.
struct WideAndDeepRows {
  explicit WideAndDeepRows(int64_t count) : rows(count) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    inputs.resize(static_cast<size_t>(count * 5));
    for (float& value : inputs) value = normal(random);
    targets.resize(static_cast<size_t>(count * 3));
    for (int64_t i = 0; i < count * 2; ++i) targets[static_cast<size_t>(i)] = normal(random);
    for (int64_t i = 0; i < count; ++i) {
      const auto label = static_cast<int32_t>(random() % 3);
      std::memcpy(&targets[static_cast<size_t>(count * 2 + i)], &label, sizeof(label));
    }
  }
  Batch batch() const {
    return {inputs.data(), targets.data(), rows, weights.empty() ? nullptr : weights.data()};
  }
  // Row `from` in the place of row `to`, in all blocks.
  void Copy(int64_t from, int64_t to) {
    const auto copy = [&](std::vector<float>& block, int64_t first, int64_t width) {
      for (int64_t i = 0; i < width; ++i)
        block[static_cast<size_t>(first + to * width + i)] =
            block[static_cast<size_t>(first + from * width + i)];
    };
    copy(inputs, 0, 2);
    copy(inputs, 2 * rows, 3);
    copy(targets, 0, 2);
    copy(targets, 2 * rows, 1);
  }

  int64_t rows;
  std::vector<float> inputs;
  std::vector<float> targets;
  std::vector<float> weights;
};

std::unique_ptr<Executable> Make(const graph::Graph& graph, const TrainSetup& setup) {
  auto executable = Executable::Create(graph, setup);
  EXPECT_TRUE(executable.ok()) << executable.status();
  (*executable)->InitializeWeights(3);
  return *std::move(executable);
}

double LossOf(Executable& executable, const Batch& batch) {
  Totals totals;
  EXPECT_TRUE(executable.EvalStep(batch, &totals).ok());
  return totals.loss / static_cast<double>(totals.rows);
}

// What a step with a learning rate of 1 takes from each weight.
std::vector<NamedTensor> GradientsOf(Executable& executable, const Batch& batch) {
  std::vector<NamedTensor> before = executable.ExportWeights();
  Totals totals;
  EXPECT_TRUE(executable.TrainStep(batch, &totals).ok());
  const std::vector<NamedTensor> after = executable.ExportWeights();
  EXPECT_TRUE(executable.ImportWeights(before).ok());
  for (size_t i = 0; i < before.size(); ++i) {
    for (size_t k = 0; k < before[i].values.size(); ++k) before[i].values[k] -= after[i].values[k];
  }
  return before;
}

// Each weight's gradient against central differences of the loss.
void ExpectGradients(Executable& executable, const Batch& batch) {
  const std::vector<NamedTensor> gradients = GradientsOf(executable, batch);
  std::vector<NamedTensor> weights = executable.ExportWeights();
  constexpr float kStep = 1e-2F;
  for (size_t i = 0; i < weights.size(); ++i) {
    for (size_t k = 0; k < weights[i].values.size(); ++k) {
      const float value = weights[i].values[k];
      double loss[2];
      for (int side = 0; side < 2; ++side) {
        weights[i].values[k] = side == 0 ? value - kStep : value + kStep;
        ASSERT_TRUE(executable.ImportWeights(std::span(&weights[i], 1)).ok());
        loss[side] = LossOf(executable, batch);
      }
      weights[i].values[k] = value;
      ASSERT_TRUE(executable.ImportWeights(std::span(&weights[i], 1)).ok());
      EXPECT_NEAR(gradients[i].values[k], (loss[1] - loss[0]) / (2 * kStep), 1e-3)
          << weights[i].name << "[" << k << "]";
    }
  }
}

class SeveralEnds : public ::testing::TestWithParam<Cut> {};

TEST_P(SeveralEnds, GradientsAreThoseOfTheWeightedSum) {
  const graph::Graph graph = GraphOf(kWideAndDeep);
  const auto executable = Make(graph, WideAndDeepSetup(GetParam(), 0.7, 1.9));
  ExpectGradients(*executable, WideAndDeepRows(kRows).batch());
}

TEST_P(SeveralEnds, ReportsEachLossAndTheirWeightedSum) {
  const graph::Graph graph = GraphOf(kWideAndDeep);
  const WideAndDeepRows rows(kRows);
  const auto executable = Make(graph, WideAndDeepSetup(GetParam(), 0.7, 1.9));
  Totals totals;
  ASSERT_TRUE(executable->EvalStep(rows.batch(), &totals).ok());
  const auto figures =
      executable->metrics().Figures(totals.metrics, totals.rows, metrics::Occasion::kEpoch, "val_");
  ASSERT_THAT(figures, ::testing::SizeIs(4));
  const double main = LossOf(*Make(graph, WideAndDeepSetup(GetParam(), 1, 0)), rows.batch());
  const double aux = LossOf(*Make(graph, WideAndDeepSetup(GetParam(), 0, 1)), rows.batch());
  EXPECT_NEAR(figures.at("val_main_loss"), main, 1e-12);
  EXPECT_NEAR(figures.at("val_aux_loss"), aux, 1e-12);
  EXPECT_NEAR(totals.loss / kRows, 0.7 * main + 1.9 * aux, 1e-12);
  EXPECT_GT(main, 0.1);
  EXPECT_GT(aux, 0.1);
  EXPECT_TRUE(figures.contains("val_main_mean_absolute_error"));
  EXPECT_TRUE(figures.contains("val_aux_accuracy"));
}

TEST_P(SeveralEnds, AnOutputThatCountsNothingTrainsNothing) {
  const graph::Graph graph = GraphOf(kWideAndDeep);
  const auto executable = Make(graph, WideAndDeepSetup(GetParam(), 0, 1));
  for (const NamedTensor& gradient : GradientsOf(*executable, WideAndDeepRows(kRows).batch())) {
    const bool of_main = gradient.name.starts_with("main/");
    const bool none = std::ranges::all_of(gradient.values, [](float g) { return g == 0; });
    EXPECT_EQ(none, of_main) << gradient.name;
  }
}

TEST_P(SeveralEnds, GradientsOfWeightedRows) {
  const graph::Graph graph = GraphOf(kWideAndDeep);
  WideAndDeepRows rows(kRows);
  for (int64_t i = 0; i < kRows; ++i) rows.weights.push_back(0.25F * static_cast<float>(i));
  const auto executable = Make(graph, WideAndDeepSetup(GetParam(), 0.7, 1.9));
  ExpectGradients(*executable, rows.batch());
}

// Twice the same row and a row that counts two, beside one that counts nothing, are the same.
TEST_P(SeveralEnds, ARowThatCountsTwoIsThereTwice) {
  const graph::Graph graph = GraphOf(kWideAndDeep);
  const auto executable = Make(graph, WideAndDeepSetup(GetParam(), 0.7, 1.9));
  WideAndDeepRows twice(kRows);
  twice.Copy(4, 5);
  WideAndDeepRows weighted(kRows);
  weighted.weights.assign(kRows, 1);
  weighted.weights[4] = 2;
  weighted.weights[5] = 0;
  weighted.inputs[10] = std::numeric_limits<float>::max();  // "wide" of row 5
  EXPECT_NEAR(LossOf(*executable, twice.batch()), LossOf(*executable, weighted.batch()), 1e-6);
  const auto expected = GradientsOf(*executable, twice.batch());
  weighted.inputs[10] = 0;
  const auto found = GradientsOf(*executable, weighted.batch());
  for (size_t i = 0; i < found.size(); ++i) {
    for (size_t k = 0; k < found[i].values.size(); ++k)
      EXPECT_NEAR(found[i].values[k], expected[i].values[k], 1e-6) << found[i].name;
  }
}

TEST_P(SeveralEnds, WeightsOfOneChangeLittleMoreThanNothing) {
  const graph::Graph graph = GraphOf(kWideAndDeep);
  const auto executable = Make(graph, WideAndDeepSetup(GetParam(), 1, 1));
  WideAndDeepRows rows(kRows);
  const auto plain = GradientsOf(*executable, rows.batch());
  rows.weights.assign(kRows, 1);
  const auto weighted = GradientsOf(*executable, rows.batch());
  for (size_t i = 0; i < plain.size(); ++i) {
    for (size_t k = 0; k < plain[i].values.size(); ++k)
      EXPECT_NEAR(plain[i].values[k], weighted[i].values[k], 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Cuts, SeveralEnds, ::testing::Values(Cut{1, 1}, Cut{4, 1}, Cut{4, 2}),
                         [](const auto& tested) {
                           return "Shards" + std::to_string(tested.param.shards) + "Cores" +
                                  std::to_string(tested.param.cores);
                         });

// Two outputs may be one value: a layer and a view of it.
TEST(SeveralEndsTest, AddsTheGradientsOfTwoLossesOfOneValue) {
  const graph::Graph graph = GraphOf(R"(
    input_shape: 3
    layers { name: "dense" dense { units: 4 } }
    layers { name: "again" reshape { target_shape: 4 } }
    outputs: "dense" outputs: "again")");
  TrainSetup setup;
  setup.optimizer.mutable_sgd()->set_learning_rate(1);
  setup.batch_size = 2;
  for (const char* name : {"dense", "again"}) {
    v1::OutputTraining& output = setup.outputs.emplace_back();
    output.set_name(name);
    output.set_loss_weight(name[0] == 'd' ? 1 : 0.5);
    output.mutable_loss()->mutable_mean_squared_error();
  }
  const auto executable = Make(graph, setup);
  std::vector<float> inputs = {1, 2, 3, -1, 0, 2};
  std::vector<float> targets(16);
  for (size_t i = 0; i < targets.size(); ++i) targets[i] = static_cast<float>(i % 5) - 2;
  ExpectGradients(*executable, {inputs.data(), targets.data(), 2});
}

TEST(SeveralEndsTest, OneNamedOutputHasFiguresWithoutItsName) {
  const graph::Graph graph = GraphOf(R"(
    input_shape: 3 layers { name: "main" dense { units: 1 } } outputs: "main")");
  TrainSetup setup;
  setup.optimizer.mutable_sgd();
  setup.loss.mutable_mean_squared_error();
  setup.metrics.emplace_back().mutable_mean_absolute_error();
  const auto executable = Make(graph, setup);
  const std::vector<float> numbers(4, 1);
  Totals totals;
  ASSERT_TRUE(executable->EvalStep({numbers.data(), numbers.data(), 1}, &totals).ok());
  const auto figures =
      executable->metrics().Figures(totals.metrics, 1, metrics::Occasion::kEpoch, "");
  ASSERT_THAT(figures, ::testing::SizeIs(1));
  EXPECT_TRUE(figures.contains("mean_absolute_error"));
}

// relu(x) - x over the same product, read once through a view: an activation that joined the
// product would change both.
TEST(SeveralEndsTest, AnActivationBehindAViewLeavesOtherReadersTheirValues) {
  const graph::Graph graph = GraphOf(R"(
    input_shape: 2
    layers { name: "a" dense { units: 2 } }
    layers { name: "view" reshape { target_shape: 2 } }
    layers { name: "relu" activation { relu {} } }
    layers { name: "difference" inputs: "relu" inputs: "a" subtract {} })");
  TrainSetup setup;
  setup.optimizer.mutable_sgd();
  setup.loss.mutable_mean_squared_error();
  const auto executable = Make(graph, setup);
  const std::vector<NamedTensor> identity = {{"a/kernel", {2, 2}, {1, 0, 0, 1}}};
  ASSERT_TRUE(executable->ImportWeights(identity).ok());
  const std::vector<float> inputs = {-3, 5};
  const std::vector<float> targets = {0, 0};
  EXPECT_EQ(LossOf(*executable, {inputs.data(), targets.data(), 1}), 4.5);
}

// A softmax whose values are two outputs, once under another shape, is not left to one of the
// losses.
TEST(SeveralEndsTest, AnActivationOfTwoOutputsIsLeftToNeitherLoss) {
  const graph::Graph graph = GraphOf(R"(
    input_shape: 2
    layers { name: "a" dense { units: 2 activation { softmax {} } } }
    layers { name: "view" reshape { target_shape: 2 } }
    outputs: "a" outputs: "view")");
  TrainSetup setup;
  setup.optimizer.mutable_sgd();
  v1::OutputTraining& first = setup.outputs.emplace_back();
  first.set_name("a");
  first.set_loss_weight(1);
  first.mutable_loss()->mutable_categorical_crossentropy();
  v1::OutputTraining& second = setup.outputs.emplace_back();
  second.set_name("view");
  second.set_loss_weight(1);
  second.mutable_loss()->mutable_mean_squared_error();
  const auto executable = Make(graph, setup);
  const std::vector<NamedTensor> zero = {{"a/kernel", {2, 2}, {0, 0, 0, 0}}};
  ASSERT_TRUE(executable->ImportWeights(zero).ok());
  const std::vector<float> inputs = {-3, 5};
  const std::vector<float> targets = {1, 0, 1, 0};
  EXPECT_NEAR(LossOf(*executable, {inputs.data(), targets.data(), 1}), std::log(2.0) + 0.25, 1e-6);
}

}  // namespace
}  // namespace gradus::plan
