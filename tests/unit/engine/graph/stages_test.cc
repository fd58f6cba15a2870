// SPDX-License-Identifier: Apache-2.0
#include "engine/graph/stages.h"

#include <gtest/gtest.h>

#include <vector>

#include "engine/base/status.h"

namespace gradus::graph {
namespace {

Graph TwoLayers() {
  v1::ModelSpec model;
  model.add_input_shape(4);
  model.add_layers()->mutable_dense()->set_units(3);
  model.add_layers()->mutable_dense()->set_units(2);
  return Graph::Create(model).value();
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

Graph FromBase() {
  v1::ModelSpec model;
  model.add_input_shape(4);
  for (int i = 0; i < 3; ++i) {
    v1::Layer& layer = *model.add_layers();
    layer.mutable_dense()->set_units(3);
    layer.set_from("net@1/dense");
    model.add_layers()->mutable_activation()->mutable_relu();
  }
  model.add_layers()->mutable_dense()->set_units(2);
  return Graph::Create(model).value();
}

TEST(PlanStages, TopCountsTheBasesLayersThatHaveWeights) {
  v1::Fit fit;
  v1::Stage* first = fit.add_stages();
  first->set_epochs(1);
  first->add_freeze("top:3");
  v1::Stage* second = fit.add_stages();
  second->set_epochs(1);
  second->add_unfreeze("top:2");
  const auto stages = PlanStages(FromBase(), Sgd(0.1), fit).value();
  EXPECT_EQ(stages[0].trainable, std::vector<bool>({false, true, false, true, false, true, true}));
  EXPECT_EQ(stages[1].trainable, std::vector<bool>({false, true, true, true, true, true, true}));
  EXPECT_EQ(stages[0].trainable_params, 3 * 2 + 2);
  // Without a base: of the model's.
  fit.mutable_stages(0)->set_freeze(0, "top:1");
  fit.mutable_stages(1)->set_unfreeze(0, "top:2");
  EXPECT_EQ(PlanStages(TwoLayers(), Sgd(0.1), fit).value()[0].trainable,
            std::vector<bool>({true, false}));
  for (const char* word : {"top:0", "top:4", "top:", "top:x", "top:-1"}) {
    first->set_freeze(0, word);
    const absl::Status status = PlanStages(FromBase(), Sgd(0.1), fit).status();
    EXPECT_EQ(base::FieldOf(status), "stages[0].freeze[0]") << word;
  }
}

TEST(PlanStages, RatesHoldUntilAStageHasItsOwn) {
  v1::Fit fit;
  for (int i = 0; i < 3; ++i) fit.add_stages()->set_epochs(1);
  v1::LayerRate& factor = *fit.mutable_stages(0)->add_rates();
  factor.add_layers("dense");
  factor.set_factor(0.1);
  v1::LayerRate& rate = *fit.mutable_stages(2)->add_rates();
  rate.add_layers("1:");
  rate.set_learning_rate(0.05);
  const auto stages = PlanStages(TwoLayers(), Sgd(0.1), fit).value();
  EXPECT_EQ(stages[0].rate_factors, std::vector<double>({0.1, 1}));
  EXPECT_EQ(stages[1].rate_factors, std::vector<double>({0.1, 1}));
  EXPECT_EQ(stages[2].rate_factors, std::vector<double>({1, 0.5}));
  fit.mutable_stages(2)->set_learning_rate(0);
  EXPECT_EQ(base::FieldOf(PlanStages(TwoLayers(), Sgd(0.1), fit).status()),
            "stages[2].rates[0].learning_rate");
}

TEST(PlanStages, AnOptimizerMayStartAnew) {
  v1::Fit fit;
  for (int i = 0; i < 2; ++i) fit.add_stages()->set_epochs(1);
  EXPECT_TRUE(PlanStages(TwoLayers(), Sgd(0.1), fit).value()[1].keeps_slots);
  fit.mutable_stages(1)->set_reset_optimizer(true);
  EXPECT_FALSE(PlanStages(TwoLayers(), Sgd(0.1), fit).value()[1].keeps_slots);
}

}  // namespace
}  // namespace gradus::graph
