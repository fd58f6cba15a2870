// SPDX-License-Identifier: Apache-2.0
// A job of several ranks gives the bits of one, whoever comes, goes or breaks off meanwhile.
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "proto/support/parse.h"
#include "tests/unit/engine/trainer/office.h"
#include "tests/unit/engine/trainer/training_fixture.h"

namespace gradus::trainer {
namespace {

constexpr int kMostRanks = 4;

v1::JobSpec JobOf(const char* model) {
  v1::JobSpec spec = SmallJob();
  spec.mutable_fit()->set_logical_shards(4);
  spec.mutable_fit()->mutable_workers()->set_min(1);
  spec.mutable_fit()->mutable_workers()->set_max(kMostRanks);
  const auto changes = support::Parse<v1::JobSpec>(model).value();
  if (changes.has_model()) *spec.mutable_model() = changes.model();
  if (changes.has_optimizer()) *spec.mutable_optimizer() = changes.optimizer();
  if (changes.fit().stages_size() > 0) {
    spec.mutable_fit()->clear_epochs();
    *spec.mutable_fit()->mutable_stages() = changes.fit().stages();
  }
  *spec.mutable_fit()->mutable_callbacks() = changes.fit().callbacks();
  return spec;
}

constexpr char kDense[] = R"(
model: {input_shape: 12, layers: [{dense: {units: 16, use_bias: false}}, batch_normalization, {activation: relu},
  {dropout: {rate: 0.2}}, {dense: {units: 4, activation: softmax}}]}
optimizer: {adam: {learning_rate: 0.01, use_ema: true}}
fit: {stages: [{epochs: 2, freeze: [dense]}, {epochs: 2, unfreeze: [dense]}],
  callbacks: [{early_stopping: {patience: 1, restore_best_weights: true}}]})";

// All ranks of a run; rank 0 leads.
class Crew {
 public:
  explicit Crew(v1::JobSpec spec) {
    for (int i = 0; i < kMostRanks; ++i) trainings_.push_back(std::make_unique<Training>(spec));
  }

  // What the leader's progress calls for: by step, done before the next one.
  using Plan = std::map<int64_t, std::function<void(Office&)>>;

  absl::StatusOr<TrainResult> Train(std::vector<int> members, Plan plan = {}) {
    plan_ = std::move(plan);
    office_.Call(std::move(members));
    std::vector<std::thread> threads;
    for (int member = 1; member < kMostRanks; ++member)
      threads.emplace_back([this, member] { results_[member] = RunRank(member); });
    absl::StatusOr<TrainResult> result = RunRank(0);
    office_.Close();
    for (std::thread& thread : threads) thread.join();
    return result;
  }

  Training& leader() { return *trainings_[0]; }
  Office& office() { return office_; }
  Control& control() { return controls_[0]; }
  const absl::StatusOr<TrainResult>& result(int member) { return results_.at(member); }

 private:
  // Events that come after each step tell how far the leader is: checkpoints do.
  absl::StatusOr<TrainResult> RunRank(int member) {
    Office::Seat seat(office_, member);
    TrainerInputs inputs = trainings_[member]->Inputs();
    inputs.workers = &seat;
    inputs.leader = member == 0;
    if (member == 0) {
      inputs.spec.mutable_fit()->mutable_checkpoint()->set_every_steps(1);
      trainings_[0]->keeper.at_checkpoint = [this](const CheckpointFile& checkpoint) {
        const auto found = plan_.find(checkpoint.step);
        if (found == plan_.end()) return absl::OkStatus();
        const auto act = std::move(found->second);
        plan_.erase(found);
        act(office_);
        return absl::OkStatus();
      };
    }
    return trainer::Train(inputs, controls_[member], trainings_[member]->keeper);
  }

  Office office_;
  std::vector<std::unique_ptr<Training>> trainings_;
  std::map<int, absl::StatusOr<TrainResult>> results_ = {
      {1, absl::UnknownError("")}, {2, absl::UnknownError("")}, {3, absl::UnknownError("")}};
  std::array<Control, kMostRanks> controls_;
  Plan plan_;
};

TrainResult Alone(const v1::JobSpec& spec) { return Training(spec).Run().value(); }

void ExpectSame(const TrainResult& result, const TrainResult& expected) {
  EXPECT_EQ(result.outcome, TrainResult::Outcome::kDone);
  EXPECT_EQ(result.weights_sha256, expected.weights_sha256);
  EXPECT_EQ(result.metrics, expected.metrics);
}

TEST(Ranks, GiveTheWeightsAndFiguresOfOneWhateverTheirNumber) {
  const v1::JobSpec spec = JobOf(kDense);
  const TrainResult expected = Alone(spec);
  ASSERT_FALSE(expected.weights_sha256.empty());
  for (const std::vector<int>& members : {std::vector{0}, {0, 1}, {0, 1, 2}, {0, 1, 2, 3}}) {
    Crew run(spec);
    const absl::StatusOr<TrainResult> result = run.Train(members);
    ASSERT_TRUE(result.ok()) << result.status();
    ExpectSame(*result, expected);
    for (size_t member = 1; member < members.size(); ++member) {
      ASSERT_TRUE(run.result(members[member]).ok()) << run.result(members[member]).status();
      EXPECT_EQ(run.result(members[member])->metrics, expected.metrics);
    }
  }
}

TEST(Ranks, MayBeMoreAndFewerInMidRun) {
  const v1::JobSpec spec = JobOf(kDense);
  const TrainResult expected = Alone(spec);
  Crew run(spec);
  // The last of an epoch's 7 steps, its first, and one within.
  const absl::StatusOr<TrainResult> result =
      run.Train({0, 1, 2, 3}, {{3,
                                [](Office& office) {
                                  office.Call({0, 2});
                                }},
                               {7,
                                [](Office& office) {
                                  office.Call({0, 1, 2, 3});
                                }},
                               {8, [](Office& office) { office.Call({0}); }},
                               {11, [](Office& office) {
                                  office.Call({0, 3, 1});
                                }}});
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectSame(*result, expected);
  EXPECT_EQ(run.leader().keeper.Of(v1::Event::kEpochFinished).size(), static_cast<size_t>(4));
}

TEST(Ranks, GoOnWithoutThoseThatAreLost) {
  const v1::JobSpec spec = JobOf(kDense);
  const TrainResult expected = Alone(spec);
  for (int64_t step = 1; step <= 15; ++step) {
    Crew run(spec);
    const absl::StatusOr<TrainResult> result =
        run.Train({0, 1, 2}, {{step, [](Office& office) { office.Lose(2); }}});
    ASSERT_TRUE(result.ok()) << result.status();
    ExpectSame(*result, expected);
    EXPECT_TRUE(absl::IsCancelled(run.result(2).status())) << run.result(2).status();
  }
}

TEST(Ranks, DoAStepAgainThatAFaultOfTheNetworkCutShort) {
  const v1::JobSpec spec = JobOf(kDense);
  const TrainResult expected = Alone(spec);
  Crew run(spec);
  Crew::Plan plan;
  for (int64_t step = 1; step < 28; step += 2)
    plan[step] = [](Office& office) { office.CutWire(); };
  const absl::StatusOr<TrainResult> result = run.Train({0, 1, 2, 3}, std::move(plan));
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectSame(*result, expected);
  EXPECT_GT(run.office().broken_reports(), 0);
  // Told once each, whatever was done again.
  EXPECT_EQ(run.leader().keeper.Of(v1::Event::kEpochFinished).size(), static_cast<size_t>(4));
  EXPECT_EQ(run.leader().keeper.Of(v1::Event::kEvaluated).size(), static_cast<size_t>(1));
}

TEST(Ranks, GoOnFromACheckpointOfAnotherNumber) {
  const v1::JobSpec spec = JobOf(kDense);
  const TrainResult expected = Alone(spec);
  Crew first(spec);
  const absl::StatusOr<TrainResult> stopped =
      first.Train({0, 1, 2, 3}, {{9, [&](Office&) { first.control().RequestStop(); }}});
  ASSERT_TRUE(stopped.ok()) << stopped.status();
  EXPECT_EQ(stopped->outcome, TrainResult::Outcome::kStopped);
  Crew second(spec);
  second.leader().keeper.checkpoints = first.leader().keeper.checkpoints;
  second.leader().keeper.blobs = first.leader().keeper.blobs;
  const absl::StatusOr<TrainResult> result = second.Train({0, 1});
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectSame(*result, expected);
}

TEST(Ranks, RoundWhatTravelsWhereTheJobSaysSo) {
  v1::JobSpec spec = JobOf(kDense);
  const TrainResult exact = Alone(spec);
  spec.mutable_fit()->set_compress(v1::BF16);
  std::vector<TrainResult> rounded;
  for (int i = 0; i < 2; ++i) {
    Crew run(spec);
    absl::StatusOr<TrainResult> result = run.Train({0, 1});
    ASSERT_TRUE(result.ok()) << result.status();
    rounded.push_back(*std::move(result));
  }
  EXPECT_EQ(rounded[0].weights_sha256, rounded[1].weights_sha256);
  EXPECT_NE(rounded[0].weights_sha256, exact.weights_sha256);
  EXPECT_NEAR(rounded[0].metrics.at("test_loss"), exact.metrics.at("test_loss"), 0.05);
}

TEST(Ranks, AlsoSayWhichLayerIsNoLongerFinite) {
  v1::JobSpec spec = JobOf("{}");
  spec.mutable_optimizer()->mutable_sgd()->set_learning_rate(1e30);
  Crew run(spec);
  const absl::StatusOr<TrainResult> result = run.Train({0, 1});
  EXPECT_TRUE(absl::IsOutOfRange(result.status())) << result.status();
  EXPECT_EQ(result.status(), Training(spec).Run().status());
}

}  // namespace
}  // namespace gradus::trainer
