// SPDX-License-Identifier: Apache-2.0
// Weights that start from published models: what is taken, what stays frozen, and searches for how
// much to reuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/graph/graph.h"
#include "engine/graph/job_check.h"
#include "engine/graph/transfer_search.h"
#include "tests/unit/engine/trainer/training_fixture.h"

namespace gradus::trainer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kBase[] = "base@1";

// A trained network, as the registry would have it.
class TransferTest : public ::testing::Test {
 protected:
  TransferTest() : base_(SmallJob()), transfer_(SmallJob()) {
    *base_.spec.mutable_model()->add_layers() = base_.spec.model().layers(1);
    v1::Dense& middle = *base_.spec.mutable_model()->mutable_layers(1)->mutable_dense();
    middle.set_units(8);
    middle.mutable_activation()->mutable_relu();
    base_result_ = base_.Run().value();
    index_ = Load(base_result_.weights, transfer_.keeper.blobs);
    Reuse({"dense", "dense_1"});
  }

  // The base's network; these layers start from it.
  void Reuse(const std::vector<std::string>& layers) {
    *transfer_.spec.mutable_model() = graph::Graph::Create(base_.spec.model()).value().spec();
    transfer_.spec.mutable_fit()->set_seed(7);
    for (v1::Layer& layer : *transfer_.spec.mutable_model()->mutable_layers()) {
      if (std::ranges::find(layers, layer.name()) != layers.end())
        layer.set_from(std::string(kBase) + "/" + layer.name());
    }
  }

  absl::StatusOr<TrainResult> Run(Control& control) {
    TrainerInputs inputs = transfer_.Inputs();
    inputs.models[kBase] = index_;
    return Train(inputs, control, transfer_.keeper);
  }
  absl::StatusOr<TrainResult> Run() {
    Control control;
    return Run(control);
  }
  // Layers 0 and 1 frozen for an epoch, then all train.
  void TwoStages() {
    transfer_.spec.mutable_fit()->clear_epochs();
    v1::Stage& first = *transfer_.spec.mutable_fit()->add_stages();
    first.set_epochs(1);
    first.add_freeze(":2");
    v1::Stage& second = *transfer_.spec.mutable_fit()->add_stages();
    second.set_epochs(2);
    second.add_unfreeze(":2");
  }
  bool SameAsBase(const TrainResult& result, const std::string& name) {
    return WeightOf(result.weights, name) == WeightOf(base_result_.weights, name);
  }

  Training base_;
  Training transfer_;
  TrainResult base_result_;
  v1::BlobRef index_;
};

TEST_F(TransferTest, StartsFromTheBaseAndDrawsTheRest) {
  transfer_.spec.mutable_fit()->set_epochs(0);
  const TrainResult result = Run().value();
  EXPECT_TRUE(SameAsBase(result, "dense/kernel"));
  EXPECT_TRUE(SameAsBase(result, "dense_1/bias"));
  EXPECT_FALSE(SameAsBase(result, "dense_2/kernel"));
  const std::vector<v1::Event> told = transfer_.keeper.Of(v1::Event::kWeightsTaken);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].weights_taken().loaded(), 4);
  EXPECT_EQ(told[0].weights_taken().initialized(), 2);
  EXPECT_EQ(told[0].weights_taken().tensors(0).from(), "base@1/dense/kernel");
}

TEST_F(TransferTest, WhatTheSeedDrawsDoesNotDependOnTheBase) {
  transfer_.spec.mutable_fit()->set_epochs(0);
  const std::vector<float> grafted = WeightOf(Run()->weights, "dense_2/kernel");
  Reuse({});
  EXPECT_EQ(grafted, WeightOf(transfer_.Run()->weights, "dense_2/kernel"));
}

TEST_F(TransferTest, FrozenLayersKeepTheirBitsUntilTheyThaw) {
  TwoStages();
  transfer_.spec.mutable_fit()->mutable_stages()->RemoveLast();
  const TrainResult frozen = Run().value();
  for (const char* name : {"dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"})
    EXPECT_TRUE(SameAsBase(frozen, name)) << name;
  EXPECT_FALSE(SameAsBase(frozen, "dense_2/kernel"));
  transfer_.spec.mutable_fit()->clear_stages();
  TwoStages();
  const TrainResult thawed = Run().value();
  EXPECT_FALSE(SameAsBase(thawed, "dense/kernel"));
  EXPECT_THAT(
      transfer_.keeper.Of(v1::Event::kStageStarted).back().stage_started().trainable_layers(),
      ElementsAre("dense", "dense_1", "dense_2"));
}

// After a stop at each step the run comes to the same weights, though the base is taken once alone.
TEST_F(TransferTest, GoesOnExactlyAfterAStop) {
  TwoStages();
  const std::string undisturbed = Run()->weights_sha256;
  for (const int64_t step : {int64_t{3}, kStepsPerEpoch, kStepsPerEpoch + 2}) {
    transfer_.keeper.checkpoints.clear();
    transfer_.keeper.events.clear();
    Control control;
    transfer_.keeper.at_checkpoint = [&](const CheckpointFile& checkpoint) {
      if (checkpoint.step >= step) control.RequestStop();
      return absl::OkStatus();
    };
    transfer_.spec.mutable_fit()->mutable_checkpoint()->set_every_steps(1);
    ASSERT_EQ(Run(control)->outcome, TrainResult::Outcome::kStopped);
    transfer_.keeper.at_checkpoint = nullptr;
    EXPECT_EQ(Run()->weights_sha256, undisturbed);
    EXPECT_EQ(transfer_.keeper.Of(v1::Event::kWeightsTaken).size(), 1U);
  }
}

TEST_F(TransferTest, RatesOfAStageSlowItsLayers) {
  TwoStages();
  v1::LayerRate& rate = *transfer_.spec.mutable_fit()->mutable_stages(1)->add_rates();
  rate.add_layers("dense");
  rate.set_factor(0);
  const TrainResult result = Run().value();
  EXPECT_TRUE(SameAsBase(result, "dense/kernel"));
  EXPECT_FALSE(SameAsBase(result, "dense_1/kernel"));
}

TEST_F(TransferTest, AStageEndsAtItsOwnPlateau) {
  TwoStages();
  v1::Stage& first = *transfer_.spec.mutable_fit()->mutable_stages(0);
  first.set_epochs(50);
  v1::EarlyStopping& stopping = *first.add_callbacks()->mutable_early_stopping();
  stopping.set_monitor("val_loss");
  stopping.set_mode(v1::MIN);
  stopping.set_min_delta(1e6);
  stopping.set_patience(1);
  ASSERT_TRUE(Run().ok());
  std::vector<int32_t> stages;
  for (const v1::Event& event : transfer_.keeper.Of(v1::Event::kEpochFinished))
    stages.push_back(event.epoch_finished().stage());
  EXPECT_THAT(stages, ElementsAre(0, 0, 1, 1));
}

TEST_F(TransferTest, AnotherShapeIsAnErrorUnlessAllowed) {
  transfer_.spec.mutable_model()->mutable_layers(1)->mutable_dense()->set_units(9);
  const absl::Status refused = Run().status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("model.layers[1].from"));
  transfer_.spec.mutable_model()->set_allow_mismatch(true);
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(transfer_.keeper.Of(v1::Event::kWeightsTaken)[0].weights_taken().mismatched(), 2);
}

class TransferSearchTest : public TransferTest {
 protected:
  TransferSearchTest() {
    TwoStages();
    transfer_.spec.set_kind(v1::JobSpec::TRANSFER_SEARCH);
    transfer_.spec.mutable_publish()->set_model("best");
    Check(2);
  }
  void Check(int cores) {
    transfer_.spec.mutable_resources()->set_cores(cores);
    const graph::Graph graph = graph::Graph::Create(transfer_.spec.model()).value();
    const std::vector<std::string> figures = {"val_loss", "val_accuracy", "loss", "accuracy"};
    transfer_.spec.clear_transfer_search();
    const absl::Status checked = graph::CheckTransferSearch(transfer_.spec, graph, figures, cores);
    ASSERT_TRUE(checked.ok()) << checked;
  }
  std::vector<std::pair<int, int>> Tried() const {
    std::vector<std::pair<int, int>> tried;
    for (const v1::Event& event : transfer_.keeper.Of(v1::Event::kTransferTried))
      tried.emplace_back(event.transfer_tried().reuse(), event.transfer_tried().freeze());
    return tried;
  }
};

TEST_F(TransferSearchTest, TriesEachDepthInOrderAndReturnsTheBest) {
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(Tried(), ElementsAre(std::pair(0, 0), std::pair(1, 0), std::pair(1, 1),
                                   std::pair(2, 0), std::pair(2, 2)));
  EXPECT_EQ(transfer_.spec.transfer_search().monitor(), "val_accuracy");
  double best = -1;
  v1::TransferTried chosen;
  for (const v1::Event& event : transfer_.keeper.Of(v1::Event::kTransferTried)) {
    const double value = event.transfer_tried().metrics().at("val_accuracy");
    EXPECT_EQ(event.transfer_tried().best(), value > best);
    if (value > best) chosen = event.transfer_tried();
    best = std::max(best, value);
  }
  EXPECT_EQ(result->metrics.at("reuse"), chosen.reuse());
  EXPECT_EQ(result->metrics.at("freeze"), chosen.freeze());
  ASSERT_TRUE(result->model.has_value());
  EXPECT_EQ(plan::WeightsSha256(TensorsOf(result->weights)), result->weights_sha256);
}

// A trial is what the job would be by itself.
TEST_F(TransferSearchTest, ATrialGivesTheWeightsOfThatJobAlone) {
  v1::TransferSearch& search = *transfer_.spec.mutable_transfer_search();
  search.clear_reuse();
  search.set_monitor("val_loss");
  search.set_mode(v1::MAX);  // the worst one, for once: it is known by its figures
  const TrainResult found = Run().value();
  const int reuse = static_cast<int>(found.metrics.at("reuse"));
  const int freeze = static_cast<int>(found.metrics.at("freeze"));
  const graph::Graph graph = graph::Graph::Create(transfer_.spec.model()).value();
  transfer_.spec = graph::SpecOfTrial(transfer_.spec, graph, {reuse, freeze});
  EXPECT_EQ(Run()->weights_sha256, found.weights_sha256);
}

TEST_F(TransferSearchTest, OneAfterAnotherGivesTheSame) {
  const std::string at_once = Run()->weights_sha256;
  Check(1);
  EXPECT_EQ(Run()->weights_sha256, at_once);
}

TEST_F(TransferSearchTest, EndsWhenItIsAskedTo) {
  Control control;
  control.RequestCancel();
  EXPECT_EQ(Run(control)->outcome, TrainResult::Outcome::kCancelled);
}

TEST_F(TransferSearchTest, FailsWhenNoTrialComesToItsEnd) {
  transfer_.spec.mutable_optimizer()->mutable_sgd()->set_learning_rate(1e30);
  const absl::Status status = Run().status();
  EXPECT_TRUE(absl::IsOutOfRange(status)) << status;
  EXPECT_EQ(Tried().size(), 5U);
  EXPECT_THAT(transfer_.keeper.Warnings(), HasSubstr("layers reused"));
}

TEST_F(TransferSearchTest, RefusesWhatCannotBeTried) {
  const graph::Graph graph = graph::Graph::Create(transfer_.spec.model()).value();
  const std::vector<std::string> figures = {"val_loss", "val_accuracy"};
  const auto error = [&](v1::JobSpec spec) {
    return std::string(graph::CheckTransferSearch(spec, graph, figures, 2).message());
  };
  v1::JobSpec spec = transfer_.spec;
  spec.mutable_transfer_search()->add_reuse(3);
  EXPECT_THAT(error(spec), HasSubstr("transfer_search.reuse[3]"));
  spec = transfer_.spec;
  spec.mutable_transfer_search()->add_freeze(-1);
  EXPECT_THAT(error(spec), HasSubstr("transfer_search.freeze[0]"));
  spec = transfer_.spec;
  spec.mutable_transfer_search()->set_parallel(3);
  EXPECT_THAT(error(spec), HasSubstr("transfer_search.parallel"));
  spec = transfer_.spec;
  spec.mutable_transfer_search()->set_monitor("val_acuracy");
  EXPECT_THAT(error(spec), HasSubstr("transfer_search.monitor"));
  spec = transfer_.spec;
  spec.mutable_data()->clear_validation();
  EXPECT_THAT(error(spec), HasSubstr("data.validation"));
}

}  // namespace
}  // namespace gradus::trainer
