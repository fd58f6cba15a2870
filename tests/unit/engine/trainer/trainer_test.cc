// SPDX-License-Identifier: Apache-2.0
#include "engine/trainer/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <thread>

#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/formats/safetensors.h"
#include "engine/graph/fit_check.h"
#include "engine/plan/tensor_list.h"
#include "engine/trainer/checkpoint.h"
#include "tests/support/failing_files.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/engine/trainer/training_fixture.h"

namespace gradus::trainer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::vector<std::string> KeysOf(const std::map<std::string, double>& metrics) {
  std::vector<std::string> keys;
  for (const auto& [name, value] : metrics) keys.push_back(name);
  return keys;
}

TEST(Train, ReportsTheRateThatTheScheduleGives) {
  Training training(SmallJob());
  v1::Sgd& sgd = *training.spec.mutable_optimizer()->mutable_sgd();
  sgd.set_learning_rate(0.5);
  // Over all steps of the job, since it has no length of its own.
  sgd.mutable_schedule()->mutable_polynomial_decay()->set_end_learning_rate(0);
  training.spec.mutable_fit()->set_epochs(4);
  ASSERT_TRUE(training.Run().ok());
  const auto epochs = training.keeper.Of(v1::Event::kEpochFinished);
  ASSERT_EQ(epochs.size(), 4U);
  const double steps = 4 * kStepsPerEpoch;
  for (size_t i = 0; i < epochs.size(); ++i) {
    const double done = static_cast<double>(i + 1) * kStepsPerEpoch - 1;
    EXPECT_DOUBLE_EQ(epochs[i].epoch_finished().learning_rate(), 0.5 * (1 - done / steps));
  }
  EXPECT_EQ(training.keeper.Of(v1::Event::kProgress)[0].progress().learning_rate(), 0.5);
}

// The last checkpoint keeps both: the weights that training would go on with, and the averages that
// are published.
TEST(Train, PublishesTheAveragedWeights) {
  Training training(SmallJob());
  training.spec.mutable_optimizer()->mutable_sgd()->set_use_ema(true);
  training.spec.mutable_fit()->mutable_checkpoint()->set_every_steps(1);
  const auto result = training.Run();
  ASSERT_TRUE(result.ok()) << result.status();
  const auto& bytes = training.keeper.blobs.at(training.keeper.checkpoints[0].sha256());
  const Checkpoint last = ReadCheckpoint(base::AsBytes(*bytes)).value();
  std::vector<plan::NamedTensor> averages;
  for (plan::NamedTensor slot : last.slots) {
    if (!slot.name.starts_with("average/")) continue;
    slot.name.erase(0, std::string("average/").size());
    averages.push_back(slot);
  }
  EXPECT_EQ(averages.size(), last.weights.size());
  EXPECT_EQ(plan::WeightsSha256(averages), result->weights_sha256);
  EXPECT_NE(plan::WeightsSha256(last.weights), result->weights_sha256);
}

TEST(Train, LearnsAndReportsEveryEpoch) {
  Training training(SmallJob());
  training.spec.mutable_fit()->set_epochs(20);
  const auto result = training.Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, TrainResult::Outcome::kDone);
  EXPECT_THAT(KeysOf(result->metrics),
              UnorderedElementsAre("loss", "accuracy", "val_loss", "val_accuracy", "test_loss",
                                   "test_accuracy"));
  EXPECT_GT(result->metrics.at("test_accuracy"), 0.8);

  const auto epochs = training.keeper.Of(v1::Event::kEpochFinished);
  ASSERT_EQ(epochs.size(), 20U);
  for (size_t i = 0; i < epochs.size(); ++i) {
    EXPECT_EQ(epochs[i].epoch_finished().epoch(), static_cast<int64_t>(i));
    EXPECT_EQ(epochs[i].epoch_finished().step(), static_cast<int64_t>(i + 1) * kStepsPerEpoch);
    EXPECT_GT(epochs[i].epoch_finished().samples_per_second(), 0);
  }
  EXPECT_LT(epochs.back().epoch_finished().metrics().at("loss"),
            epochs.front().epoch_finished().metrics().at("loss"));
  ASSERT_EQ(training.keeper.Of(v1::Event::kStageStarted).size(), 1U);
  EXPECT_EQ(training.keeper.Of(v1::Event::kStageStarted)[0].stage_started().trainable_params(),
            12 * 16 + 16 + 16 * 4 + 4);
  ASSERT_EQ(training.keeper.Of(v1::Event::kEvaluated).size(), 1U);
  ASSERT_GE(training.keeper.Of(v1::Event::kProgress).size(), 1U);
  EXPECT_EQ(training.keeper.Of(v1::Event::kProgress)[0].progress().step(), 1);
}

TEST(Train, WritesTheFinalWeightsInPublicShapes) {
  Training training(SmallJob());
  const auto result = training.Run();
  ASSERT_TRUE(result.ok()) << result.status();
  const std::vector<plan::NamedTensor> tensors = TensorsOf(result->weights);
  std::vector<std::string> names;
  for (const plan::NamedTensor& tensor : tensors) names.push_back(tensor.name);
  EXPECT_THAT(names, ElementsAre("dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"));
  EXPECT_THAT(tensors[0].shape, ElementsAre(12, 16));
  EXPECT_EQ(plan::WeightsSha256(tensors), result->weights_sha256);
}

TEST(Train, TheSameJobTwiceGivesTheSameWeights) {
  Training a(SmallJob());
  Training b(SmallJob());
  EXPECT_EQ(a.Run().value().weights_sha256, b.Run().value().weights_sha256);
  Training other(SmallJob());
  other.spec.mutable_fit()->set_seed(43);
  EXPECT_NE(other.Run().value().weights_sha256, a.Run().value().weights_sha256);
}

TEST(Train, ZeroEpochsGiveTheStartWeights) {
  Training none(SmallJob());
  none.spec.mutable_fit()->set_epochs(0);
  const auto result = none.Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, TrainResult::Outcome::kDone);
  EXPECT_THAT(KeysOf(result->metrics), UnorderedElementsAre("test_loss", "test_accuracy"));
  Training still(SmallJob());
  still.spec.mutable_optimizer()->mutable_sgd()->set_learning_rate(0);
  EXPECT_EQ(still.Run().value().weights_sha256, result->weights_sha256);
}

TEST(Train, ValidatesAsOftenAsAskedAndAfterTheLastEpoch) {
  Training training(SmallJob());
  training.spec.mutable_fit()->set_epochs(5);
  training.spec.mutable_fit()->set_validation_freq(2);
  ASSERT_TRUE(training.Run().ok());
  std::vector<bool> validated;
  for (const auto& event : training.keeper.Of(v1::Event::kEpochFinished))
    validated.push_back(event.epoch_finished().metrics().count("val_loss") > 0);
  EXPECT_THAT(validated, ElementsAre(false, true, false, true, true));
}

// Its loss falls, which is no improvement where higher is better.
v1::EarlyStopping& StopAfterTwo(v1::JobSpec& spec) {
  v1::EarlyStopping& stop = *spec.mutable_fit()->add_callbacks()->mutable_early_stopping();
  stop.set_monitor("loss");
  stop.set_mode(v1::MAX);
  stop.set_patience(1);
  return stop;
}

TEST(Train, EarlyStoppingGoesBackToTheBestWeights) {
  Training one(SmallJob());
  one.spec.mutable_fit()->set_epochs(1);
  const TrainResult best = one.Run().value();
  Training stopped(SmallJob());
  stopped.spec.mutable_fit()->set_epochs(5);
  StopAfterTwo(stopped.spec).set_restore_best_weights(true);
  const TrainResult result = stopped.Run().value();
  EXPECT_EQ(stopped.keeper.Of(v1::Event::kEpochFinished).size(), 2U);
  EXPECT_EQ(result.weights_sha256, best.weights_sha256);
}

// In all stages, and of the whole run: all epochs are among the best five.
TEST(Train, KeepsTheWeightsThatValidationSaw) {
  v1::JobSpec spec = SmallJob();
  spec.mutable_optimizer()->mutable_sgd()->set_use_ema(true);
  spec.mutable_fit()->clear_epochs();
  spec.mutable_fit()->add_stages()->set_epochs(2);
  spec.mutable_fit()->add_stages()->set_epochs(1);
  v1::Checkpoint& checkpoint = *spec.mutable_fit()->mutable_checkpoint();
  checkpoint.set_keep_best(5);
  checkpoint.set_monitor("val_accuracy");
  checkpoint.set_mode(v1::MAX);
  Training training(spec);
  const TrainResult result = training.Run().value();
  const std::vector<v1::Event> epochs = training.keeper.Of(v1::Event::kEpochFinished);
  ASSERT_EQ(epochs.size(), 3U);
  ASSERT_EQ(training.keeper.best.size(), 3U);
  for (const v1::Event& event : epochs) {
    const v1::EpochFinished& epoch = event.epoch_finished();
    const v1::BestCheckpoint& best = training.keeper.best.at(epoch.step());
    EXPECT_EQ(best.epoch(), epoch.epoch());
    EXPECT_EQ(best.stage(), epoch.stage());
    EXPECT_EQ(best.value(), epoch.metrics().at("val_accuracy"));
    EXPECT_EQ(best.metrics().at("val_loss"), epoch.metrics().at("val_loss"));
    EXPECT_EQ(plan::WeightsSha256(training.keeper.best_tensors.at(epoch.step())),
              best.weights_sha256());
  }
  EXPECT_EQ(training.keeper.best.at(3 * kStepsPerEpoch).weights_sha256(), result.weights_sha256);
  for (size_t i = 1; i < training.keeper.best_steps.size(); ++i) {
    EXPECT_GE(training.keeper.best.at(training.keeper.best_steps[i - 1]).value(),
              training.keeper.best.at(training.keeper.best_steps[i]).value());
  }
}

TEST(Train, EarlyStoppingEndsAStageAndTheNextBegins) {
  Training training(SmallJob());
  training.spec.mutable_fit()->clear_epochs();
  training.spec.mutable_fit()->add_stages()->set_epochs(4);
  training.spec.mutable_fit()->add_stages()->set_epochs(4);
  StopAfterTwo(training.spec);
  ASSERT_TRUE(training.Run().ok());
  std::vector<int64_t> epochs;
  for (const v1::Event& event : training.keeper.Of(v1::Event::kEpochFinished))
    epochs.push_back(event.epoch_finished().epoch());
  EXPECT_EQ(epochs, (std::vector<int64_t>{0, 1, 4, 5}));
  EXPECT_EQ(training.keeper.Of(v1::Event::kStageStarted).size(), 2U);
}

TEST(Train, ASearchForALearningRateTellsTheCurveAndLeavesTheStartWeights) {
  Training start(SmallJob());
  start.spec.mutable_fit()->set_epochs(0);
  Training search(SmallJob());
  search.spec.set_kind(v1::JobSpec::FIND_LEARNING_RATE);
  ASSERT_TRUE(graph::CheckFinder(*search.spec.mutable_find_learning_rate()).ok());
  search.spec.mutable_find_learning_rate()->set_max_learning_rate(1000);
  const TrainResult result = search.Run().value();
  EXPECT_EQ(result.weights_sha256, start.Run()->weights_sha256);
  const std::vector<v1::Event> tried = search.keeper.Of(v1::Event::kLearningRateTried);
  ASSERT_FALSE(tried.empty());
  EXPECT_DOUBLE_EQ(tried[0].learning_rate_tried().learning_rate(), 1e-6);
  EXPECT_LT(tried.size(), 100U) << "a rate of 1000 does not diverge";
  const double suggestion = result.metrics.at("suggested_learning_rate");
  EXPECT_GT(suggestion, 1e-6);
  EXPECT_LT(suggestion, tried.back().learning_rate_tried().learning_rate());
  EXPECT_TRUE(search.keeper.checkpoints.empty());
}

TEST(Train, AFrozenLayerStaysAsItIs) {
  Training whole(SmallJob());
  whole.spec.mutable_fit()->set_epochs(0);
  const auto start = whole.Run();
  Training training(SmallJob());
  training.spec.mutable_fit()->clear_epochs();
  v1::Stage* stage = training.spec.mutable_fit()->add_stages();
  stage->set_epochs(2);
  stage->add_freeze("dense");
  const auto result = training.Run();
  ASSERT_TRUE(result.ok()) << result.status();
  const auto same = [&](const std::string& name) {
    return WeightOf(start->weights, name) == WeightOf(result->weights, name);
  };
  EXPECT_TRUE(same("dense/kernel"));
  EXPECT_FALSE(same("dense_1/kernel"));
}

TEST(Train, ALossThatIsNoNumberEndsTheRunNamingStepAndLayer) {
  Training training(SmallJob());
  training.spec.mutable_optimizer()->mutable_sgd()->set_learning_rate(1e30);
  const auto result = training.Run();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kOutOfRange) << result.status();
  EXPECT_THAT(std::string(result.status().message()),
              AllOf(HasSubstr("step "), HasSubstr("layer \"dense")));
}

TEST(Train, NoCheckpointHoldsAFault) {
  Training training(SmallJob());
  training.spec.mutable_optimizer()->mutable_sgd()->set_learning_rate(1e30);
  training.spec.mutable_fit()->mutable_checkpoint()->set_every_steps(1);
  EXPECT_EQ(training.Run().status().code(), absl::StatusCode::kOutOfRange);
  for (const auto& [digest, bytes] : training.keeper.blobs) {
    const auto file = formats::SafetensorsView::Parse(base::AsBytes(*bytes)).value();
    for (const auto& tensor : file.tensors()) {
      const auto values = file.Bytes(tensor);
      for (size_t i = 0; i < values.size(); i += sizeof(float)) {
        float value;
        std::memcpy(&value, values.data() + i, sizeof(value));
        EXPECT_TRUE(std::isfinite(value)) << tensor.name;
      }
    }
  }
}

TEST(Train, SavesAtTheAskedSteps) {
  Training training(SmallJob());
  training.spec.mutable_fit()->mutable_checkpoint()->set_every_steps(5);
  ASSERT_TRUE(training.Run().ok());
  EXPECT_THAT(training.keeper.steps, ElementsAre(5, 10, 15, 20));
}

TEST(Train, SavesWhenTheAskedTimeHasPassed) {
  test_support::FakeClock clock;
  Training training(SmallJob());
  training.spec.mutable_fit()->mutable_checkpoint()->set_every_seconds(10);
  training.spec.mutable_fit()->mutable_checkpoint()->set_every_steps(6);
  // Time passes at checkpoints alone: the next step after 10 s finds one due, besides those at 6,
  // 12, 18.
  training.keeper.at_checkpoint = [&](const CheckpointFile& checkpoint) {
    if (checkpoint.step == 6) clock.Advance(11'000'000);
    return absl::OkStatus();
  };
  TrainerInputs inputs = training.Inputs();
  inputs.clock = &clock;
  Control control;
  ASSERT_TRUE(Train(inputs, control, training.keeper).ok());
  EXPECT_THAT(training.keeper.steps, ElementsAre(6, 12, 18))
      << "time spent on saving starts the interval anew";
}

TEST(Train, ACancelEndsWithoutACheckpoint) {
  Training training(SmallJob());
  training.spec.mutable_fit()->set_epochs(1'000'000);
  Control control;
  std::thread canceller([&] { control.RequestCancel(); });
  const auto result = Train(training.Inputs(), control, training.keeper);
  canceller.join();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, TrainResult::Outcome::kCancelled);
  EXPECT_TRUE(training.keeper.checkpoints.empty());
}

TEST(Train, AStopBeforeTheFirstStepSavesNothing) {
  Training training(SmallJob());
  Control control;
  control.RequestStop();
  const auto result = Train(training.Inputs(), control, training.keeper);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, TrainResult::Outcome::kStopped);
  EXPECT_TRUE(training.keeper.checkpoints.empty());
}

TEST(Train, AStopAtAnyMomentSavesWhatResumesToTheSameWeights) {
  const std::string undisturbed = Training(SmallJob()).Run().value().weights_sha256;
  for (int round = 0; round < 5; ++round) {
    Training training(SmallJob());
    absl::StatusOr<TrainResult> result = absl::UnknownError("");
    for (int attempt = 0; attempt < 50; ++attempt) {
      Control control;
      std::thread stopper([&] { control.RequestStop(); });
      result = Train(training.Inputs(), control, training.keeper);
      stopper.join();
      ASSERT_TRUE(result.ok()) << result.status();
      if (result->outcome == TrainResult::Outcome::kDone) break;
    }
    if (result->outcome != TrainResult::Outcome::kDone) result = training.Run();
    EXPECT_EQ(result->weights_sha256, undisturbed);
  }
}

TEST(Train, LabelsOutsideTheClassesAreFoundBeforeTheFirstStep) {
  Training training(SmallJob());
  training.spec.mutable_model()->mutable_layers(1)->mutable_dense()->set_units(3);
  const auto result = training.Run();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(result.status().message()),
              AllOf(HasSubstr("data.train"), HasSubstr("0 to 2")));
  EXPECT_TRUE(training.keeper.Of(v1::Event::kStageStarted).empty());
}

TEST(Train, RowsThatDoNotFitTheModelAreRefused) {
  Training training(SmallJob());
  training.spec.mutable_model()->set_input_shape(0, 13);
  EXPECT_THAT(std::string(training.Run().status().message()),
              HasSubstr("do not fit model.input_shape (13)"));
}

TEST(Train, ADiskThatFailsEndsTheRunAsAFaultThatMayPass) {
  Training training(SmallJob());
  training.spec.mutable_fit()->mutable_checkpoint()->set_every_steps(2);
  test_support::FailingFiles files(base::RealFiles());
  const test_support::FileOp ops[] = {test_support::FileOp::kSync};
  files.FailNth(2, ops, EIO);
  TrainerInputs inputs = training.Inputs();
  inputs.files = &files;
  Control control;
  EXPECT_EQ(Train(inputs, control, training.keeper).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(training.keeper.steps.size(), 1U);
}

TEST(Train, TheCallbacksErrorEndsTheRun) {
  Training training(SmallJob());
  training.spec.mutable_fit()->mutable_checkpoint()->set_every_steps(2);
  training.keeper.at_checkpoint = [](const CheckpointFile&) {
    return absl::AbortedError("no more");
  };
  EXPECT_EQ(training.Run().status().code(), absl::StatusCode::kAborted);
}

}  // namespace
}  // namespace gradus::trainer
