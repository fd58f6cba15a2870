// SPDX-License-Identifier: Apache-2.0
// Moving averages of the weights, and rates by a schedule: what a step leaves beside its weights.
#include <gtest/gtest.h>

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

TrainSetup Averaging(const Cut& cut) {
  TrainSetup setup = ClassifierSetup(kRows, cut.shards, cut.cores);
  v1::Sgd& sgd = *setup.optimizer.mutable_sgd();
  sgd.set_momentum(0.5);
  sgd.set_use_ema(true);
  sgd.set_ema_momentum(0.75);
  return setup;
}

std::vector<NamedTensor> AveragesOf(Executable& executable) {
  executable.SwapAverages();
  std::vector<NamedTensor> averages = executable.ExportWeights();
  executable.SwapAverages();
  return averages;
}

// Constrained weights are averaged as the constraint leaves them.
TEST(Averages, AreThoseOfTheWeightsAfterEachStep) {
  for (const bool constrained : {false, true}) {
    v1::ModelSpec spec = Classifier({17, 33, 20, 5}).spec();
    if (constrained)
      spec.mutable_layers(1)->mutable_dense()->mutable_kernel_constraint()->mutable_unit_norm();
    const graph::Graph graph = graph::Graph::Create(spec).value();
    for (const Cut& cut : kCuts) {
      const auto executable = Executable::Create(graph, Averaging(cut)).value();
      executable->InitializeWeights(3);
      std::vector<NamedTensor> expected;
      for (int step = 0; step < 4; ++step) {
        Totals totals;
        ASSERT_TRUE(
            executable->TrainStep(Rows(graph, kRows, static_cast<unsigned>(step)).batch(), &totals)
                .ok());
        const std::vector<NamedTensor> weights = executable->ExportWeights();
        if (step == 0) expected = weights;
        for (size_t i = 0; i < weights.size(); ++i) {
          for (size_t k = 0; k < weights[i].values.size() && step > 0; ++k) {
            float& average = expected[i].values[k];
            average = 0.75F * average + 0.25F * weights[i].values[k];
          }
        }
        EXPECT_EQ(WeightsSha256(AveragesOf(*executable)), WeightsSha256(expected)) << step;
        EXPECT_EQ(WeightsSha256(executable->ExportWeights()), WeightsSha256(weights))
            << "swapped twice";
      }
    }
  }
}

TEST(Averages, AreTheWeightsBeforeTheFirstStepAndAfterAnImport) {
  const graph::Graph graph = Classifier({17, 33, 20, 5});
  const auto executable = Executable::Create(graph, Averaging({1, 1})).value();
  executable->InitializeWeights(3);
  const std::vector<NamedTensor> start = executable->ExportWeights();
  EXPECT_EQ(WeightsSha256(AveragesOf(*executable)), WeightsSha256(start));
  Totals totals;
  ASSERT_TRUE(executable->TrainStep(Rows(graph, kRows, 1).batch(), &totals).ok());
  EXPECT_NE(WeightsSha256(AveragesOf(*executable)), WeightsSha256(start));
  ASSERT_TRUE(executable->ImportWeights(start).ok());
  EXPECT_EQ(WeightsSha256(AveragesOf(*executable)), WeightsSha256(start));
}

// A layer that trains from a later stage on has an average that starts with its weights.
TEST(Averages, GoOnWhereALayerThaws) {
  const graph::Graph graph = Classifier({17, 33, 20, 5});
  TrainSetup setup = Averaging({1, 1});
  setup.trainable = {false, true, true};
  const auto executable = Executable::Create(graph, setup).value();
  executable->InitializeWeights(3);
  const std::vector<NamedTensor> start = executable->ExportWeights();
  Totals totals;
  for (unsigned step = 0; step < 3; ++step)
    ASSERT_TRUE(executable->TrainStep(Rows(graph, kRows, step).batch(), &totals).ok());
  const std::vector<NamedTensor> before = AveragesOf(*executable);
  setup.trainable = {};
  ASSERT_TRUE(executable->Reconfigure(setup, /*keep_slots=*/true).ok());
  const std::vector<NamedTensor> after = AveragesOf(*executable);
  EXPECT_EQ(after[0].values, start[0].values);
  EXPECT_EQ(WeightsSha256(after), WeightsSha256(before));
}

TEST(Schedules, SetTheRateOfEachStep) {
  const graph::Graph graph = Classifier({17, 33, 20, 5});
  TrainSetup setup = ClassifierSetup(kRows, 1, 1);
  v1::Sgd& sgd = *setup.optimizer.mutable_sgd();
  sgd.mutable_schedule()->mutable_polynomial_decay()->set_end_learning_rate(0);
  sgd.set_learning_rate(1);
  const auto scheduled = Executable::Create(graph, setup).value();
  scheduled->SetTotalSteps(4);
  const auto by_hand = Executable::Create(graph, ClassifierSetup(kRows, 1, 1)).value();
  for (Executable* executable : {scheduled.get(), by_hand.get()}) executable->InitializeWeights(3);
  const double rates[] = {1, 0.75, 0.5, 0.0625, 0};
  Totals totals;
  for (unsigned step = 0; step < 5; ++step) {
    // What a callback lowers, the schedule goes on from.
    if (step == 3) scheduled->SetLearningRate(0.25);
    by_hand->SetLearningRate(rates[step]);
    for (Executable* executable : {scheduled.get(), by_hand.get()})
      ASSERT_TRUE(executable->TrainStep(Rows(graph, kRows, step).batch(), &totals).ok());
    EXPECT_EQ(scheduled->step_learning_rate(), rates[step]);
    EXPECT_EQ(WeightsSha256(scheduled->ExportWeights()), WeightsSha256(by_hand->ExportWeights()));
  }
  EXPECT_EQ(scheduled->learning_rate(), 0.25);
}

}  // namespace
}  // namespace gradus::plan
