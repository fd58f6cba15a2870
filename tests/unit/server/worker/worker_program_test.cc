// SPDX-License-Identifier: Apache-2.0
// gradus-worker as a process: over TLS, with signals, limits and kills.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/secure_link_fixture.h"
#include "tests/support/small_job.h"
#include "tests/support/worker_process.h"

namespace gradus::worker {
namespace {

using test_support::SecureLinkFixture;
using test_support::WorkerProcess;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kProgram[] = GRADUS_WORKER_PROGRAM;
constexpr char kStub[] = GRADUS_STUB_PROGRAM;

bool Trains(const std::vector<v1::WorkerEvent>& events) {
  return std::any_of(events.begin(), events.end(),
                     [](const v1::WorkerEvent& event) { return event.event().has_progress(); });
}

class WorkerProgramTest : public ::testing::Test {
 protected:
  WorkerProgramTest() {
    assignment_.set_memory_limit(int64_t{256} << 20);
    *assignment_.mutable_spec() = test_support::SmallJob();
    *assignment_.add_datasets() = data_.dataset();
  }
  void Provide(SecureLinkFixture& place) {
    for (const v1::Split& split : data_.dataset().splits()) {
      for (const v1::Column& column : split.columns()) {
        const auto bytes = data_.opener()(column.blob()).value();
        place.server.AddBlob({reinterpret_cast<const char*>(bytes->bytes().data()), bytes->size()});
      }
    }
    place.server.SetAssignment(assignment_);
  }
  v1::Fit& fit() { return *assignment_.mutable_spec()->mutable_fit(); }
  static v1::RankFinished LastWord(SecureLinkFixture& place) {
    v1::RankFinished finished;
    EXPECT_TRUE(place.server.WaitForFinished(&finished));
    EXPECT_EQ(place.server.fault(), "");
    return finished;
  }

  test_support::MemoryDataset data_ = test_support::SmallData();
  v1::Assignment assignment_;
};

TEST_F(WorkerProgramTest, TrainsAJobAndExits) {
  SecureLinkFixture place;
  Provide(place);
  WorkerProcess rank(kProgram, place.Config());
  EXPECT_EQ(LastWord(place).outcome(), v1::RankFinished::DONE) << LastWord(place).reason();
  EXPECT_EQ(rank.Wait(), 0);
}

TEST_F(WorkerProgramTest, ASignalToTerminateSavesAndStops) {
  SecureLinkFixture place;
  fit().set_epochs(1'000'000);
  Provide(place);
  WorkerProcess rank(kProgram, place.Config());
  ASSERT_TRUE(place.server.WaitForEvents(Trains));
  rank.Signal(SIGTERM);
  EXPECT_EQ(LastWord(place).outcome(), v1::RankFinished::STOPPED);
  EXPECT_EQ(rank.Wait(), 0);
  const auto events = place.server.events();
  EXPECT_TRUE(std::any_of(events.begin(), events.end(),
                          [](const auto& event) { return event.has_checkpoint_ready(); }));
}

TEST_F(WorkerProgramTest, AKilledRanksJobGoesOnElsewhereToTheSameWeights) {
  fit().set_epochs(60);
  fit().mutable_checkpoint()->set_every_steps(10);
  SecureLinkFixture undisturbed;
  Provide(undisturbed);
  WorkerProcess whole(kProgram, undisturbed.Config());
  const std::string expected = LastWord(undisturbed).weights_sha256();

  SecureLinkFixture first;
  Provide(first);
  WorkerProcess killed(kProgram, first.Config());
  ASSERT_TRUE(first.server.WaitForEvents([](const auto& events) {
    return std::any_of(events.begin(), events.end(),
                       [](const auto& event) { return event.has_checkpoint_ready(); });
  }));
  killed.Kill();
  EXPECT_EQ(killed.Wait(), -SIGKILL);

  SecureLinkFixture second;
  for (const v1::WorkerEvent& event : first.server.events()) {
    if (!event.has_checkpoint_ready()) continue;
    const v1::CheckpointReady& ready = event.checkpoint_ready();
    second.server.AddBlob(first.server.Blob(ready.blob().sha256()));
    std::vector<v1::CheckpointReady> older(assignment_.checkpoints().begin(),
                                           assignment_.checkpoints().end());
    assignment_.clear_checkpoints();
    *assignment_.add_checkpoints() = ready;
    for (const v1::CheckpointReady& one : older) *assignment_.add_checkpoints() = one;
  }
  Provide(second);
  WorkerProcess resumed(kProgram, second.Config());
  EXPECT_EQ(LastWord(second).weights_sha256(), expected);
}

TEST_F(WorkerProgramTest, TheServerMayComeBackElsewhereInBetween) {
  SecureLinkFixture place;
  fit().set_epochs(2000);
  Provide(place);
  WorkerProcess rank(kProgram, place.Config());
  ASSERT_TRUE(place.server.WaitForEvents(Trains));
  place.server.Stop();
  place.Start();
  EXPECT_EQ(LastWord(place).outcome(), v1::RankFinished::DONE);
  EXPECT_EQ(rank.Wait(), 0);
}

#if !defined(GRADUS_SANITIZED)
TEST_F(WorkerProgramTest, AModelBeyondTheMemoryLimitFailsWithBothNumbers) {
  SecureLinkFixture place;
  assignment_.set_memory_limit(int64_t{300} << 20);
  assignment_.mutable_spec()->mutable_model()->mutable_layers(0)->mutable_dense()->set_units(1
                                                                                             << 23);
  Provide(place);
  WorkerProcess rank(kProgram, place.Config());
  rank.LimitData(rlim_t{300} << 20);
  EXPECT_EQ(LastWord(place).outcome(), v1::RankFinished::FAILED);
  EXPECT_THAT(LastWord(place).reason(), AllOf(HasSubstr("allows 300MiB"), HasSubstr("has used")));
  EXPECT_EQ(rank.Wait(), 0);
}
#endif

TEST_F(WorkerProgramTest, WithoutSettingsItExitsAndSaysSo) {
  v1::WorkerConfig nothing;
  WorkerProcess rank(kProgram, nothing);
  EXPECT_EQ(rank.Wait(), 2);
}

// On a node of a cluster: settings on standard input, a folder of the rank's own, blobs by the API.
class NodeRankTest : public WorkerProgramTest {
 protected:
  static constexpr auto kStandardInput = WorkerProcess::Settings::kStandardInput;

  static v1::WorkerConfig ConfigOn(const test_support::TempDir& node,
                                   const SecureLinkFixture& place) {
    v1::WorkerConfig config = place.Config();
    config.set_work_dir(node / "ranks/j1-1");
    config.set_cache_dir(node / "cache");
    config.set_cache_bytes(1 << 20);
    return config;
  }
  static bool IsThere(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

  test_support::TempDir node_;
};

TEST_F(NodeRankTest, MakesItsFolderAndRemovesIt) {
  SecureLinkFixture place;
  fit().set_epochs(1'000'000);
  Provide(place);
  const v1::WorkerConfig config = ConfigOn(node_, place);
  WorkerProcess rank(kProgram, config, {}, kStandardInput);
  ASSERT_TRUE(place.server.WaitForEvents(Trains));
  EXPECT_TRUE(IsThere(config.work_dir()));
  rank.Signal(SIGTERM);
  EXPECT_EQ(LastWord(place).outcome(), v1::RankFinished::STOPPED);
  EXPECT_EQ(rank.Wait(), 0);
  EXPECT_FALSE(IsThere(config.work_dir()));
}

TEST_F(NodeRankTest, DoesNotWorkInAFolderOfOthers) {
  SecureLinkFixture place;
  Provide(place);
  v1::WorkerConfig config = ConfigOn(node_, place);
  config.set_work_dir(node_ / "link");
  ASSERT_EQ(::symlink("/tmp", config.work_dir().c_str()), 0);
  WorkerProcess rank(kProgram, config, {}, kStandardInput);
  EXPECT_EQ(rank.Wait(), 1);
  EXPECT_TRUE(place.server.hellos().empty());
}

#if defined(GRADUS_FAILPOINTS)
TEST_F(NodeRankTest, ARankThatIsKilledLeavesTheNodesCacheWhole) {
  SecureLinkFixture first;
  Provide(first);
  WorkerProcess killed(kProgram, ConfigOn(node_, first),
                       {"GRADUS_FAILPOINTS=worker.node_cache.before_rename=kill@2"},
                       kStandardInput);
  EXPECT_EQ(killed.Wait(), -SIGKILL);

  SecureLinkFixture second;
  Provide(second);
  WorkerProcess next(kProgram, ConfigOn(node_, second), {}, kStandardInput);
  EXPECT_EQ(LastWord(second).outcome(), v1::RankFinished::DONE) << LastWord(second).reason();
  EXPECT_EQ(next.Wait(), 0);

  SecureLinkFixture without_blobs;
  without_blobs.server.SetAssignment(assignment_);
  WorkerProcess last(kProgram, ConfigOn(node_, without_blobs), {}, kStandardInput);
  EXPECT_EQ(LastWord(without_blobs).weights_sha256(), LastWord(second).weights_sha256());
  EXPECT_EQ(last.Wait(), 0);
}
#endif

TEST_F(WorkerProgramTest, TheStubDoesAsItIsTold) {
  {
    SecureLinkFixture place;
    WorkerProcess stub(kStub, place.Config(), {"GRADUS_STUB=steps=25,save=10"});
    EXPECT_EQ(LastWord(place).outcome(), v1::RankFinished::DONE);
    EXPECT_EQ(stub.Wait(), 0);
    EXPECT_TRUE(place.server.HasBlob(LastWord(place).weights().sha256()));
  }
  SecureLinkFixture place;
  WorkerProcess stub(kStub, place.Config(), {"GRADUS_STUB=steps=25,fail_at=7"});
  EXPECT_EQ(LastWord(place).outcome(), v1::RankFinished::FAILED);
}

}  // namespace
}  // namespace gradus::worker
