// SPDX-License-Identifier: Apache-2.0
#include "engine/trainer/stages.h"

#include <gtest/gtest.h>

#include <vector>

namespace gradus::trainer {
namespace {

graph::Graph TwoLayers() {
  v1::ModelSpec model;
  model.add_input_shape(4);
  model.add_layers()->mutable_dense()->set_units(3);
  model.add_layers()->mutable_dense()->set_units(2);
  return graph::Graph::Create(model).value();
}

v1::Optimizer Sgd(double rate) {
  v1::Optimizer optimizer;
  optimizer.mutable_sgd()->set_learning_rate(rate);
  return optimizer;
}

TEST(PlanStages, IsOneStageWhereTheFitNamesNone) {
  v1::Fit fit;
  fit.set_epochs(7);
  const auto stages = PlanStages(TwoLayers(), Sgd(0.1), fit).value();
  ASSERT_EQ(stages.size(), 1U);
  EXPECT_EQ(stages[0].first_epoch, 0);
  EXPECT_EQ(stages[0].end_epoch, 7);
  EXPECT_EQ(stages[0].trainable, std::vector<bool>({true, true}));
}

TEST(PlanStages, CarriesFrozenLayersRateAndOptimizerOnUntilTheyChange) {
  v1::Fit fit;
  v1::Stage* first = fit.add_stages();
  first->set_epochs(2);
  first->add_freeze("dense");
  first->set_learning_rate(0.5);
  fit.add_stages()->set_epochs(3);
  v1::Stage* third = fit.add_stages();
  third->set_epochs(4);
  third->add_unfreeze("dense");
  *third->mutable_optimizer() = Sgd(0.25);
  const auto stages = PlanStages(TwoLayers(), Sgd(0.1), fit).value();
  ASSERT_EQ(stages.size(), 3U);
  EXPECT_EQ(stages[1].first_epoch, 2);
  EXPECT_EQ(stages[1].end_epoch, 5);
  EXPECT_EQ(stages[1].trainable, std::vector<bool>({false, true}));
  EXPECT_EQ(stages[1].optimizer.sgd().learning_rate(), 0.5);
  EXPECT_TRUE(stages[1].keeps_slots);
  EXPECT_EQ(stages[2].end_epoch, 9);
  EXPECT_EQ(stages[2].trainable, std::vector<bool>({true, true}));
  EXPECT_FALSE(stages[2].keeps_slots);
  EXPECT_EQ(stages[2].optimizer.sgd().learning_rate(), 0.25);
}

TEST(PlanStages, CountTheEpochsOfAnOptimizerOverAllStagesThatGoOnWithIt) {
  v1::Fit fit;
  for (const int64_t epochs : {1, 2, 4, 8}) fit.add_stages()->set_epochs(epochs);
  *fit.mutable_stages(2)->mutable_optimizer() = Sgd(0.25);
  const auto stages = PlanStages(TwoLayers(), Sgd(0.1), fit).value();
  EXPECT_EQ(EpochsOfOptimizer(stages, 0), 3);
  EXPECT_EQ(EpochsOfOptimizer(stages, 1), 3);
  EXPECT_EQ(EpochsOfOptimizer(stages, 2), 12);
  EXPECT_EQ(EpochsOfOptimizer(stages, 3), 12);
}

}  // namespace
}  // namespace gradus::trainer
