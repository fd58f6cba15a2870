// SPDX-License-Identifier: Apache-2.0
// gradus-worker as a process: over TLS, with signals, limits and kills.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
