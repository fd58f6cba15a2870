// SPDX-License-Identifier: Apache-2.0
// That a run which was ended and taken up again is the run that nothing disturbed, to the last bit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "engine/base/philox.h"
#include "engine/trainer/checkpoint.h"
#include "engine/trainer/trainer.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/unit/engine/trainer/training_fixture.h"

namespace gradus::trainer {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::HasSubstr;

struct Case {
  std::string name;
  void (*change)(v1::JobSpec&);
};

void Shards(v1::JobSpec& spec) {
  spec.mutable_fit()->set_logical_shards(2);
  spec.mutable_resources()->set_cores(2);
}
void Momentum(v1::JobSpec& spec) { spec.mutable_optimizer()->mutable_sgd()->set_momentum(0.9); }
void Nesterov(v1::JobSpec& spec) {
  Momentum(spec);
  spec.mutable_optimizer()->mutable_sgd()->set_nesterov(true);
}
void Stages(v1::JobSpec& spec) {
  Momentum(spec);
  spec.mutable_fit()->clear_epochs();
  v1::Stage* first = spec.mutable_fit()->add_stages();
  first->set_epochs(1);
  first->add_freeze("dense");
  v1::Stage* second = spec.mutable_fit()->add_stages();
  second->set_epochs(1);
  second->add_unfreeze("dense");
  second->set_learning_rate(0.05);
  v1::Stage* third = spec.mutable_fit()->add_stages();
  third->set_epochs(1);
  third->mutable_optimizer()->mutable_sgd()->set_learning_rate(0.02);
  third->mutable_optimizer()->mutable_sgd()->set_momentum(0.5);
}

void ClippedAdam(v1::JobSpec& spec) {
  v1::Adam& adam = *spec.mutable_optimizer()->mutable_adam();
  adam.set_learning_rate(0.01);
  adam.set_global_clipnorm(0.5);
  adam.set_weight_decay(0.01);
}

// Callbacks that act early and often.
void Callbacks(v1::JobSpec& spec) {
  Momentum(spec);
  v1::ReduceOnPlateau& reduce = *spec.mutable_fit()->add_callbacks()->mutable_reduce_on_plateau();
  reduce.set_monitor("loss");
  reduce.set_mode(v1::MAX);  // a loss that falls does not improve
  reduce.set_patience(1);
  reduce.set_factor(0.5);
  v1::EarlyStopping& stop = *spec.mutable_fit()->add_callbacks()->mutable_early_stopping();
  stop.set_monitor("loss");
  stop.set_mode(v1::MAX);
  stop.set_patience(2);
  stop.set_restore_best_weights(true);
}

// A rate of its own for each step, lowered by the callbacks besides.
void Scheduled(v1::JobSpec& spec) {
  Callbacks(spec);
  v1::Schedule& schedule = *spec.mutable_optimizer()->mutable_sgd()->mutable_schedule();
  schedule.set_warm_up_steps(3);
  schedule.mutable_cosine_decay()->set_alpha(0.1);
}

// Averaged, regularized, constrained weights; the best of them come back at the end.
void Restrained(v1::JobSpec& spec) {
  Callbacks(spec);
  spec.mutable_optimizer()->mutable_sgd()->set_use_ema(true);
  spec.mutable_optimizer()->mutable_sgd()->set_ema_momentum(0.5);
  for (v1::Layer& layer : *spec.mutable_model()->mutable_layers()) {
    if (!layer.has_dense()) continue;
    layer.set_learning_rate_factor(0.5);
    layer.mutable_activity_regularizer()->mutable_l1();
    layer.mutable_dense()->mutable_kernel_regularizer()->mutable_l2();
    layer.mutable_dense()->mutable_kernel_constraint()->mutable_max_norm();
  }
}
void AveragedStages(v1::JobSpec& spec) {
  Stages(spec);
  spec.mutable_optimizer()->mutable_sgd()->set_use_ema(true);
}

void ClassMetrics(v1::JobSpec& spec) {
  spec.add_metrics()->mutable_top_k_categorical_accuracy()->set_k(2);
  spec.add_metrics()->mutable_precision();
  spec.add_metrics()->mutable_f1();
  spec.add_metrics()->mutable_confusion_matrix();
}
// One of them keeps all outputs of an epoch.
void ValueMetrics(v1::JobSpec& spec) {
  v1::Dense& last = *spec.mutable_model()->mutable_layers(1)->mutable_dense();
  last.set_units(1);
  last.mutable_activation()->mutable_linear();
  spec.mutable_loss()->mutable_mean_squared_error();
  spec.mutable_optimizer()->mutable_sgd()->set_learning_rate(0.01);
  spec.clear_metrics();
  spec.add_metrics()->mutable_auc();
  spec.add_metrics()->mutable_r2_score();
  spec.add_metrics()->mutable_mean_absolute_percentage_error();
}

const Case kCases[] = {
    {"Restrained", Restrained},
    {"ShardsRestrained",
     [](v1::JobSpec& spec) {
       Shards(spec);
       Restrained(spec);
     }},
    {"AveragedStages", AveragedStages},
    {"Scheduled", Scheduled},
    {"ShardsScheduledStages",
     [](v1::JobSpec& spec) {
       Shards(spec);
       Stages(spec);
       spec.mutable_optimizer()->mutable_sgd()->mutable_schedule()->mutable_one_cycle();
     }},
    {"ClassMetrics", ClassMetrics},
    {"ValueMetrics", ValueMetrics},
    {"ShardsValueMetrics",
     [](v1::JobSpec& spec) {
       Shards(spec);
       ValueMetrics(spec);
     }},
    {"Callbacks", Callbacks},
    {"ClippedAdam", ClippedAdam},
    {"ShardsClippedAdam",
     [](v1::JobSpec& spec) {
       Shards(spec);
       ClippedAdam(spec);
     }},
    {"Nadam",
     [](v1::JobSpec& spec) { spec.mutable_optimizer()->mutable_nadam()->set_learning_rate(0.01); }},
    {"Adagrad",
     [](v1::JobSpec& spec) {
       spec.mutable_optimizer()->mutable_adagrad()->set_learning_rate(0.1);
     }},
    {"Plain", [](v1::JobSpec&) {}},
    {"StoredOrder", [](v1::JobSpec& spec) { spec.mutable_fit()->set_shuffle(false); }},
    {"Momentum", Momentum},
    {"Nesterov", Nesterov},
    {"Stages", Stages},
    {"Shards", Shards},
    {"ShardsNesterov",
     [](v1::JobSpec& spec) {
       Shards(spec);
       Nesterov(spec);
     }},
    {"ShardsStages",
     [](v1::JobSpec& spec) {
       Shards(spec);
       Stages(spec);
     }},
    {"OneRowInTheLastBatch",
     [](v1::JobSpec& spec) { spec.mutable_data()->mutable_train()->set_range(1, 193); }},
    {"NoValidation", [](v1::JobSpec& spec) { spec.mutable_data()->clear_validation(); }},
};

v1::JobSpec JobOf(const Case& tested) {
  v1::JobSpec spec = SmallJob();
  tested.change(spec);
  return spec;
}

class Resume : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(All, Resume, ::testing::ValuesIn(kCases),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(Resume, AStopAfterEachStepInTurnChangesNothing) {
  const TrainResult undisturbed = Training(JobOf(GetParam())).Run().value();
  Training training(JobOf(GetParam()));
  const int64_t steps = 3 * kStepsPerEpoch;
  for (int64_t step = 1; step <= steps; ++step) {
    const auto stopped = training.RunUntil(step);
    ASSERT_TRUE(stopped.ok()) << stopped.status();
    ASSERT_EQ(stopped->outcome, TrainResult::Outcome::kStopped) << step;
  }
  const auto result = training.Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->weights_sha256, undisturbed.weights_sha256);
  EXPECT_EQ(training.keeper.Warnings(), "");
}

TEST_P(Resume, AnySingleStopGivesTheSameWeightsAndFigures) {
  const TrainResult undisturbed = Training(JobOf(GetParam())).Run().value();
  base::PhiloxStream random({.seed = 5});
  for (int round = 0; round < 4; ++round) {
    const int64_t step = 1 + random.NextBelow(3 * kStepsPerEpoch);
    Training training(JobOf(GetParam()));
    ASSERT_TRUE(training.RunUntil(step).ok());
    const auto result = training.Run();
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->weights_sha256, undisturbed.weights_sha256) << "stopped after step " << step;
    for (const auto& [name, value] : result->metrics)
      EXPECT_EQ(value, undisturbed.metrics.at(name)) << name << ", stopped after step " << step;
  }
}

TEST_P(Resume, ACrashLosesTheStepsSinceTheLastCheckpointAndNothingElse) {
  const std::string undisturbed = Training(JobOf(GetParam())).Run().value().weights_sha256;
  Training training(JobOf(GetParam()));
  training.spec.mutable_fit()->mutable_checkpoint()->set_every_steps(4);
  training.keeper.at_checkpoint = [](const CheckpointFile& checkpoint) {
    return checkpoint.step < 12 ? absl::OkStatus() : absl::AbortedError("the power went off");
  };
  ASSERT_FALSE(training.Run().ok());
  training.keeper.checkpoints.erase(
      training.keeper.checkpoints.begin());  // the one of step 12 did not arrive
  training.keeper.at_checkpoint = nullptr;
  const auto result = training.Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->weights_sha256, undisturbed);
}

// The best epochs of a run that goes on from wherever it was stopped.
v1::JobSpec KeepingJob(const std::string& monitor, v1::MonitorMode mode, int keep_best) {
  v1::JobSpec spec = SmallJob();
  spec.mutable_fit()->set_epochs(5);
  // Large enough for figures that rise and fall.
  spec.mutable_optimizer()->mutable_sgd()->set_learning_rate(3);
  spec.mutable_optimizer()->mutable_sgd()->set_use_ema(true);
  spec.mutable_optimizer()->mutable_sgd()->set_ema_momentum(0.3);
  v1::Checkpoint& checkpoint = *spec.mutable_fit()->mutable_checkpoint();
  checkpoint.set_monitor(monitor);
  checkpoint.set_mode(mode);
  checkpoint.set_keep_best(keep_best);
  return spec;
}

TEST(ResumeState, AResumedRunKeepsTheSameBestEpochs) {
  for (const auto& [monitor, mode] :
       {std::pair<std::string, v1::MonitorMode>{"val_loss", v1::MIN}, {"loss", v1::MAX}}) {
    const v1::JobSpec spec = KeepingJob(monitor, mode, 2);
    Training undisturbed(spec);
    ASSERT_TRUE(undisturbed.Run().ok());
    ASSERT_EQ(undisturbed.keeper.best_steps.size(), 2U);
    for (int64_t step = 1; step < 5 * kStepsPerEpoch; ++step) {
      Training training(spec);
      ASSERT_TRUE(training.RunUntil(step).ok());
      ASSERT_TRUE(training.Run().ok());
      ASSERT_EQ(training.keeper.best_steps, undisturbed.keeper.best_steps) << "stopped at " << step;
      for (const auto& [at, best] : undisturbed.keeper.best) {
        EXPECT_TRUE(MessageDifferencer::Equals(training.keeper.best[at], best))
            << "stopped after step " << step;
      }
    }
  }
}

// Some optimizers' steps depend on how many there were before.
TEST(ResumeState, TheOptimizersStepsAreCountedOn) {
  Training training(SmallJob());
  for (const int64_t step : {3, 5, 9}) {
    ASSERT_TRUE(training.RunUntil(step).ok());
    const auto& bytes = training.keeper.blobs[training.keeper.checkpoints.front().sha256()];
    const auto checkpoint = ReadCheckpoint(base::AsBytes(*bytes));
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    EXPECT_EQ(checkpoint->optimizer_steps, step);
  }
}

TEST(ResumeFaults, ADamagedCheckpointIsPassedOverForTheOneBeforeIt) {
  const std::string undisturbed = Training(SmallJob()).Run().value().weights_sha256;
  for (const bool lost : {false, true}) {
    Training training(SmallJob());
    ASSERT_TRUE(training.RunUntil(9).ok());
    auto& newest = training.keeper.blobs[training.keeper.checkpoints.front().sha256()];
    if (lost) {
      training.keeper.blobs.erase(training.keeper.checkpoints.front().sha256());
    } else {
      newest = std::make_shared<std::string>(*newest);
      (*newest)[newest->size() / 2] ^= 1;
    }
    // The stop saved the state of step 9 twice under one digest: both are gone, that of step 8 is
    // next.
    const auto result = training.Run();
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->weights_sha256, undisturbed);
    EXPECT_THAT(training.keeper.Warnings(), HasSubstr("trying the one before it"));
    EXPECT_EQ(training.keeper.Warnings().find("anew"), std::string::npos);
  }
}

TEST(ResumeFaults, WithoutAWholeCheckpointTheRunStartsAnewAndSaysSo) {
  Training training(SmallJob());
  const std::string undisturbed = Training(SmallJob()).Run().value().weights_sha256;
  ASSERT_TRUE(training.RunUntil(3).ok());
  training.keeper.blobs.clear();
  EXPECT_EQ(training.Run().value().weights_sha256, undisturbed);
  EXPECT_THAT(training.keeper.Warnings(), HasSubstr("starts anew"));
}

TEST(ResumeFaults, ACheckpointOfAnotherJobIsAnError) {
  Training training(SmallJob());
  ASSERT_TRUE(training.RunUntil(3).ok());
  training.spec.mutable_optimizer()->mutable_sgd()->set_learning_rate(0.2);
  const auto result = training.Run();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("another job"));
}

TEST(ResumeFaults, AnotherThreadCountIsToldNotHidden) {
  Training training(SmallJob());
  ASSERT_TRUE(training.RunUntil(3).ok());
  training.spec.mutable_resources()->set_cores(2);
  ASSERT_TRUE(training.Run().ok());
  EXPECT_THAT(training.keeper.Warnings(), HasSubstr("1 threads, now 2"));
}

TEST(ResumeFaults, WithShardsTheThreadCountDoesNotMatter) {
  v1::JobSpec spec = SmallJob();
  Shards(spec);
  const std::string undisturbed = Training(spec).Run().value().weights_sha256;
  Training training(spec);
  training.spec.mutable_resources()->set_cores(1);
  ASSERT_TRUE(training.RunUntil(10).ok());
  training.spec.mutable_resources()->set_cores(2);
  EXPECT_EQ(training.Run().value().weights_sha256, undisturbed);
  EXPECT_EQ(training.keeper.Warnings(), "");
}

TEST(ResumeFaults, AFinishedEpochWhoseValidationIsToComeIsValidatedOnce) {
  Training training(SmallJob());
  ASSERT_TRUE(training.RunUntil(kStepsPerEpoch).ok());
  ASSERT_TRUE(training.Run().ok());
  std::vector<int64_t> epochs;
  for (const auto& event : training.keeper.Of(v1::Event::kEpochFinished))
    epochs.push_back(event.epoch_finished().epoch());
  EXPECT_THAT(epochs, ::testing::ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace gradus::trainer
