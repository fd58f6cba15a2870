// SPDX-License-Identifier: Apache-2.0
#include "server/worker/rank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "engine/base/sha256.h"
#include "engine/formats/weights_index.h"
#include "gradus/v1/model.pb.h"
#include "gradus/v1/training.pb.h"
#include "gradus/v1/weights.pb.h"
#include "tests/support/link_fixture.h"
#include "tests/support/small_job.h"

namespace gradus::worker {
namespace {

// Of an index; -1 for bytes that are none.
int CountTensors(const std::string& bytes) {
  const auto index = formats::ParseWeightsIndex(base::AsBytes(bytes));
  if (!index.ok()) return -1;
  int tensors = 0;
  for (const v1::WeightsPiece& piece : index->pieces()) tensors += piece.tensors_size();
  return tensors;
}

using test_support::FakeWorkerServer;
using test_support::LinkFixture;
using ::testing::AllOf;
using ::testing::HasSubstr;

// An epoch takes a third of a millisecond: the run lasts until a command has found its way, also on
// a machine with other work.
constexpr int64_t kEpochsThatOutlastACommand = 5000;

// An attempt after another at one fake server's.
class RankTest : public ::testing::Test, protected LinkFixture {
 protected:
  RankTest() {
    assignment_.set_memory_limit(int64_t{256} << 20);
    *assignment_.mutable_spec() = test_support::SmallJob();
    *assignment_.add_datasets() = data_.dataset();
    Provide(server);
  }
  // The rows, for a server that has none beside it.
  void Provide(FakeWorkerServer& to) {
    for (const v1::Split& split : data_.dataset().splits()) {
      for (const v1::Column& column : split.columns()) {
        const auto bytes = data_.opener()(column.blob()).value();
        to.AddBlob({reinterpret_cast<const char*>(bytes->bytes().data()), bytes->size()});
      }
    }
  }
  // Returns when the rank has ended.
  absl::Status RunAt(LinkFixture& place) {
    place.server.SetAssignment(assignment_);
    trainer::Control control;
    return RunRank(place.Config(), {.channels = test_support::PlainChannel}, control);
  }
  absl::Status Run() { return RunAt(*this); }
  // Runs a rank in a thread; `meanwhile` is called when `condition` holds of what the server has
  // stored.
  template <typename Condition, typename Action>
  absl::Status RunWith(Condition condition, Action meanwhile) {
    absl::Status status;
    std::thread rank([&] { status = Run(); });
    EXPECT_TRUE(server.WaitForEvents(condition));
    meanwhile();
    rank.join();
    return status;
  }
  v1::RankFinished LastWord() {
    v1::RankFinished finished;
    EXPECT_TRUE(server.WaitForFinished(&finished));
    EXPECT_EQ(server.fault(), "");
    return finished;
  }
  std::vector<v1::CheckpointReady> Checkpoints() {
    std::vector<v1::CheckpointReady> ready;
    for (const v1::WorkerEvent& event : server.events()) {
      if (event.has_checkpoint_ready()) ready.insert(ready.begin(), event.checkpoint_ready());
    }
    return ready;
  }
  static bool Trains(const std::vector<v1::WorkerEvent>& events) {
    return std::any_of(events.begin(), events.end(),
                       [](const v1::WorkerEvent& event) { return event.event().has_progress(); });
  }
  v1::Fit& fit() { return *assignment_.mutable_spec()->mutable_fit(); }

  test_support::MemoryDataset data_ = test_support::SmallData();
  v1::Assignment assignment_;
};

TEST_F(RankTest, TrainsReportsAndLeavesItsWeightsAtTheServer) {
  const absl::Status status = Run();
  ASSERT_TRUE(status.ok()) << status;
  const v1::RankFinished finished = LastWord();
  EXPECT_EQ(finished.outcome(), v1::RankFinished::DONE) << finished.reason();
  const std::string weights = server.Blob(finished.weights().sha256());
  EXPECT_EQ(CountTensors(weights), 4);
  v1::WeightsIndex index;
  ASSERT_TRUE(index.ParseFromString(weights));
  for (const v1::WeightsPiece& piece : index.pieces())
    EXPECT_TRUE(server.HasBlob(piece.blob().sha256()));
  EXPECT_NE(finished.weights_sha256(), "");
  std::map<v1::Event::KindCase, int> kinds;
  for (const v1::WorkerEvent& event : server.events()) ++kinds[event.event().kind_case()];
  EXPECT_EQ(kinds[v1::Event::kStageStarted], 1);
  EXPECT_EQ(kinds[v1::Event::kEpochFinished], 3);
  EXPECT_EQ(kinds[v1::Event::kEvaluated], 1);
}

// However a run ends, what it counts among the best is there before its last word.
TEST_F(RankTest, TheBestEpochsWeightsAreLeftAtTheServer) {
  fit().set_epochs(30);
  v1::Checkpoint& checkpoint = *fit().mutable_checkpoint();
  checkpoint.set_keep_best(3);
  checkpoint.set_monitor("val_loss");
  checkpoint.set_mode(v1::MIN);
  ASSERT_TRUE(Run().ok());
  const v1::RankFinished finished = LastWord();
  EXPECT_EQ(finished.outcome(), v1::RankFinished::DONE);
  std::map<int64_t, v1::BestCheckpoint> told;
  std::vector<int64_t> kept;
  for (const v1::WorkerEvent& event : server.events()) {
    if (!event.has_best_checkpoint_ready()) continue;
    told[event.best_checkpoint_ready().checkpoint().step()] =
        event.best_checkpoint_ready().checkpoint();
    kept = {event.best_checkpoint_ready().kept_steps().begin(),
            event.best_checkpoint_ready().kept_steps().end()};
  }
  ASSERT_EQ(kept.size(), 3U);
  for (const int64_t step : kept) {
    ASSERT_TRUE(told.contains(step)) << step;
    EXPECT_TRUE(server.HasBlob(told[step].weights().sha256())) << step;
  }
}

TEST_F(RankTest, ACancelledRunLeavesItsBestEpochsTooButNoCheckpoint) {
  fit().set_epochs(1'000'000);
  v1::Checkpoint& checkpoint = *fit().mutable_checkpoint();
  checkpoint.set_keep_best(1);
  checkpoint.set_monitor("loss");
  checkpoint.set_mode(v1::MAX);  // the first epoch's
  const auto validated = [](const std::vector<v1::WorkerEvent>& events) {
    return std::any_of(events.begin(), events.end(), [](const v1::WorkerEvent& event) {
      return event.event().has_epoch_finished();
    });
  };
  ASSERT_TRUE(RunWith(validated, [&] { server.Command(v1::Command::CANCEL); }).ok());
  EXPECT_EQ(LastWord().outcome(), v1::RankFinished::CANCELLED);
  EXPECT_TRUE(Checkpoints().empty());
  const auto events = server.events();
  EXPECT_EQ(
      std::count_if(events.begin(), events.end(),
                    [](const v1::WorkerEvent& event) { return event.has_best_checkpoint_ready(); }),
      1);
}

TEST_F(RankTest, AnotherRankGoesOnFromAStoppedOnesCheckpointToTheSameWeights) {
  fit().set_epochs(kEpochsThatOutlastACommand);
  ASSERT_TRUE(RunWith(Trains, [&] { server.Command(v1::Command::STOP); }).ok());
  ASSERT_EQ(LastWord().outcome(), v1::RankFinished::STOPPED);

  LinkFixture undisturbed;
  Provide(undisturbed.server);
  ASSERT_TRUE(RunAt(undisturbed).ok());
  LinkFixture resumed;
  Provide(resumed.server);
  for (const v1::CheckpointReady& checkpoint : Checkpoints()) {
    *assignment_.add_checkpoints() = checkpoint;
    resumed.server.AddBlob(server.Blob(checkpoint.blob().sha256()));
  }
  ASSERT_TRUE(RunAt(resumed).ok());
  v1::RankFinished whole;
  v1::RankFinished continued;
  ASSERT_TRUE(undisturbed.server.WaitForFinished(&whole));
  ASSERT_TRUE(resumed.server.WaitForFinished(&continued));
  EXPECT_EQ(whole.outcome(), v1::RankFinished::DONE);
  EXPECT_EQ(continued.weights_sha256(), whole.weights_sha256());
}

TEST_F(RankTest, FoldsAModelAndSaysWhatNetworkItsWeightsBelongTo) {
  v1::JobSpec& spec = *assignment_.mutable_spec();
  *spec.mutable_model()->add_layers() = spec.model().layers(1);
  v1::Layer& normalization = *spec.mutable_model()->mutable_layers(1);
  normalization.mutable_batch_normalization();
  ASSERT_TRUE(Run().ok());
  const std::string weights = server.Blob(LastWord().weights().sha256());
  v1::WeightsIndex index;
  ASSERT_TRUE(index.ParseFromString(weights));

  LinkFixture place;
  Provide(place.server);
  place.server.AddBlob(weights);
  for (const v1::WeightsPiece& piece : index.pieces())
    place.server.AddBlob(server.Blob(piece.blob().sha256()));
  assignment_.add_models()->set_ref("net@1");
  *assignment_.mutable_models(0)->mutable_index() = LastWord().weights();
  v1::JobSpec fold;
  fold.set_kind(v1::JobSpec::FOLD);
  fold.mutable_fold()->set_model("net@1");
  fold.mutable_fold()->set_max_difference(1e-4);
  *fold.mutable_model() = spec.model();
  *fold.mutable_data()->mutable_test() = spec.data().test();
  *assignment_.mutable_spec() = fold;
  ASSERT_TRUE(RunAt(place).ok());
  v1::RankFinished finished;
  ASSERT_TRUE(place.server.WaitForFinished(&finished));
  EXPECT_EQ(place.server.fault(), "");
  EXPECT_EQ(finished.outcome(), v1::RankFinished::DONE) << finished.reason();
  EXPECT_EQ(finished.model().layers_size(), 2);
  const std::string folded = place.server.Blob(finished.weights().sha256());
  EXPECT_EQ(CountTensors(folded), 4);
  int told = 0;
  for (const v1::WorkerEvent& event : place.server.events())
    told += event.event().has_model_folded() ? 1 : 0;
  EXPECT_EQ(told, 1);
}

TEST_F(RankTest, ACommandToStopIsAnsweredWithACheckpoint) {
  fit().set_epochs(1'000'000);
  const absl::Status status = RunWith(Trains, [&] { server.Command(v1::Command::STOP); });
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(LastWord().outcome(), v1::RankFinished::STOPPED);
  ASSERT_EQ(Checkpoints().size(), 1U);
  EXPECT_TRUE(server.HasBlob(Checkpoints()[0].blob().sha256()));
  EXPECT_GT(Checkpoints()[0].step(), 0);
}

TEST_F(RankTest, ACommandToCancelIsObeyedWithoutACheckpoint) {
  fit().set_epochs(1'000'000);
  const absl::Status status = RunWith(Trains, [&] { server.Command(v1::Command::CANCEL); });
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(LastWord().outcome(), v1::RankFinished::CANCELLED);
  EXPECT_TRUE(Checkpoints().empty());
}

TEST_F(RankTest, TrainsOnWhileTheServerIsAwayAndReportsWhenItIsBack) {
  fit().set_epochs(200);
  const absl::Status status = RunWith(Trains, [&] { RestartServer(); });
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(LastWord().outcome(), v1::RankFinished::DONE);
  std::vector<int64_t> epochs;
  for (const v1::WorkerEvent& event : server.events()) {
    if (event.event().has_epoch_finished())
      epochs.push_back(event.event().epoch_finished().epoch());
  }
  ASSERT_EQ(epochs.size(), 200U);
  for (size_t i = 0; i < epochs.size(); ++i) EXPECT_EQ(epochs[i], static_cast<int64_t>(i));
}

TEST_F(RankTest, AFencedOffRankEndsWithoutALastWord) {
  fit().set_epochs(1'000'000);
  const absl::Status status = RunWith(Trains, [&] { server.FenceOff(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(server.events().back().has_finished());
}

TEST_F(RankTest, ALossThatIsNoNumberFailsForGood) {
  assignment_.mutable_spec()->mutable_optimizer()->mutable_sgd()->set_learning_rate(1e30);
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(LastWord().outcome(), v1::RankFinished::FAILED);
  EXPECT_THAT(LastWord().reason(), AllOf(HasSubstr("step"), HasSubstr("loss")));
}

TEST_F(RankTest, LabelsOutsideTheClassesFailForGood) {
  assignment_.mutable_spec()->mutable_model()->mutable_layers(1)->mutable_dense()->set_units(3);
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(LastWord().outcome(), v1::RankFinished::FAILED);
  EXPECT_THAT(LastWord().reason(), HasSubstr("data.train"));
}

// A leader and a member, called together once both are there.
class RanksTest : public RankTest {
 protected:
  static constexpr int64_t kMemberFence = kFence + 1;

  RanksTest() {
    fit().mutable_workers()->set_min(2);
    fit().mutable_workers()->set_max(2);
    fit().set_logical_shards(2);
    server.AllowMember(kMemberFence);
    server.SetAssignment(assignment_);
  }
  v1::WorkerConfig ConfigOf(int32_t member) {
    v1::WorkerConfig config = Config();
    config.set_several(true);
    config.set_member(member);
    config.set_fence(kFence + member);
    config.set_work_dir(dir / absl::StrCat("member-", member));
    EXPECT_TRUE(base::MakeDirs(base::RealFiles(), config.work_dir()).ok());
    return config;
  }
  static absl::Status RunWith(const v1::WorkerConfig& config) {
    trainer::Control control;
    return RunRank(config, {.channels = test_support::PlainChannel}, control);
  }
};

TEST_F(RanksTest, TheLeaderAloneReports) {
  const v1::WorkerConfig leader_config = ConfigOf(0);
  const v1::WorkerConfig member_config = ConfigOf(1);
  absl::Status leader;
  absl::Status member;
  std::thread first([&] { leader = RunWith(leader_config); });
  std::thread second([&] { member = RunWith(member_config); });
  EXPECT_TRUE(server.WaitForHeartbeats(kFence, 1));
  EXPECT_TRUE(server.WaitForHeartbeats(kMemberFence, 1));
  server.CallMeeting({kFence, kMemberFence});
  first.join();
  second.join();
  EXPECT_TRUE(leader.ok()) << leader;
  EXPECT_TRUE(member.ok()) << member;
  EXPECT_EQ(LastWord().outcome(), v1::RankFinished::DONE) << LastWord().reason();
}

TEST_F(RanksTest, AMemberEndsWithItsAttempt) {
  fit().set_epochs(1'000'000);
  server.SetAssignment(assignment_);
  const v1::WorkerConfig config = ConfigOf(1);
  absl::Status member;
  std::thread rank([&] { member = RunWith(config); });
  EXPECT_TRUE(server.WaitForHeartbeats(kMemberFence, 1));
  server.FenceOff();
  rank.join();
  EXPECT_EQ(member.code(), absl::StatusCode::kFailedPrecondition) << member;
  EXPECT_EQ(server.fault(), "");
}

TEST_F(RankTest, ADatasetThatCannotBeHadIsTriedAgain) {
  assignment_.mutable_datasets(0)
      ->mutable_splits(0)
      ->mutable_columns(0)
      ->mutable_blob()
      ->set_sha256(std::string(64, 'a'));
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(LastWord().outcome(), v1::RankFinished::RETRY);
}

}  // namespace
}  // namespace gradus::worker
