// SPDX-License-Identifier: Apache-2.0
#include "server/worker/uplink.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/link_fixture.h"

namespace gradus::worker {
namespace {

class Heard final : public UplinkHandler {
 public:
  void OnAssignment(const v1::Assignment& assignment) override {
    base::MutexLock lock(mu_);
    ++assignments_;
    name_ = assignment.spec().name();
    changed_.SignalAll();
  }
  void OnCommand(v1::Command::Action action) override {
    base::MutexLock lock(mu_);
    commands_.push_back(action);
    changed_.SignalAll();
  }
  void OnMeeting(const v1::Meeting& meeting) override {
    base::MutexLock lock(mu_);
    meetings_.push_back(meeting);
    changed_.SignalAll();
  }
  void OnFatal(const absl::Status& status) override {
    base::MutexLock lock(mu_);
    fatal_ = status;
    changed_.SignalAll();
  }

  std::string AwaitAssignment() {
    base::MutexLock lock(mu_);
    Await([this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return assignments_ > 0; });
    return name_;
  }
  v1::Command::Action AwaitCommand() {
    base::MutexLock lock(mu_);
    Await([this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !commands_.empty(); });
    return commands_.empty() ? v1::Command::ACTION_UNSPECIFIED : commands_.front();
  }
  v1::Meeting AwaitMeeting(int64_t generation) {
    base::MutexLock lock(mu_);
    Await([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return !meetings_.empty() && meetings_.back().generation() >= generation;
    });
    return meetings_.empty() ? v1::Meeting() : meetings_.back();
  }
  absl::Status AwaitFatal() {
    base::MutexLock lock(mu_);
    Await([this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return fatal_.has_value(); });
    return fatal_.value_or(absl::OkStatus());
  }
  int assignments() {
    base::MutexLock lock(mu_);
    return assignments_;
  }

 private:
  template <typename Predicate>
  void Await(Predicate predicate) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    changed_.WaitFor(mu_, std::chrono::seconds(20), predicate);
  }

  base::Mutex mu_;
  base::CondVar changed_;
  int assignments_ ABSL_GUARDED_BY(mu_) = 0;
  std::string name_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::Command::Action> commands_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::Meeting> meetings_ ABSL_GUARDED_BY(mu_);
  std::optional<absl::Status> fatal_ ABSL_GUARDED_BY(mu_);
};

class UplinkTest : public ::testing::Test, protected test_support::LinkFixture {
 protected:
  UplinkTest() {
    v1::Assignment assignment;
    assignment.mutable_spec()->set_name("given");
    server.SetAssignment(assignment);
  }
  void Start(UplinkOptions options = {.isa = "avx2"}, base::Clock& clock = base::RealClock()) {
    uplink_.emplace(link_, outbox_, heard_, clock, base::SystemRandom(), std::move(options));
  }
  void Push(int64_t step) {
    v1::WorkerEvent event;
    event.mutable_event()->mutable_progress()->set_step(step);
    outbox_.Push(std::move(event));
  }
  void Finish() {
    v1::WorkerEvent event;
    event.mutable_finished()->set_outcome(v1::RankFinished::DONE);
    outbox_.Push(std::move(event));
  }
  // What the server stored is steps 0 to `count` - 1 and the last word, in order, each once.
  void ExpectWhole(int64_t count) {
    const std::vector<v1::WorkerEvent> events = server.events();
    ASSERT_EQ(events.size(), static_cast<size_t>(count) + 1);
    for (int64_t i = 0; i < count; ++i)
      ASSERT_EQ(events[static_cast<size_t>(i)].event().progress().step(), i);
    EXPECT_TRUE(events.back().has_finished());
    EXPECT_EQ(server.fault(), "");
  }

  Heard heard_;
  ServerLink link_{Config(), test_support::PlainChannel, base::RealFiles(), base::RealClock()};
  Outbox outbox_{base::RealFiles(), dir / "spool", {.batch_bytes = 64}};
  std::optional<Uplink> uplink_;
};

TEST_F(UplinkTest, BringsTheAssignmentAndTakesEventsUp) {
  Start();
  EXPECT_EQ(heard_.AwaitAssignment(), "given");
  for (int64_t i = 0; i < 100; ++i) Push(i);
  Finish();
  EXPECT_TRUE(outbox_.Flush());
  ExpectWhole(100);
  ASSERT_EQ(server.hellos().size(), 1U);
  EXPECT_EQ(server.hellos()[0].isa(), "avx2");
  EXPECT_FALSE(server.hellos()[0].reattached());
}

TEST_F(UplinkTest, LosesAndDoublesNothingWhenStreamsAreCutBeforeAcknowledgements) {
  server.CutStreamsAfter(3, true);
  Start();
  for (int64_t i = 0; i < 60; ++i) Push(i);
  Finish();
  EXPECT_TRUE(outbox_.Flush());
  ExpectWhole(60);
  EXPECT_GT(server.hellos().size(), 2U);
  EXPECT_TRUE(server.hellos().back().reattached());
  EXPECT_EQ(heard_.assignments(), 1);
}

TEST_F(UplinkTest, LosesAndDoublesNothingWhenStreamsAreCutAfterAcknowledgements) {
  server.CutStreamsAfter(4, false);
  Start();
  for (int64_t i = 0; i < 60; ++i) Push(i);
  Finish();
  EXPECT_TRUE(outbox_.Flush());
  ExpectWhole(60);
}

TEST_F(UplinkTest, FindsARestartedServerAtItsNewEndpoint) {
  Start();
  heard_.AwaitAssignment();
  for (int64_t i = 0; i < 20; ++i) Push(i);
  ASSERT_TRUE(server.WaitForEvents([](const auto& events) { return events.size() >= 5; }));
  RestartServer();
  for (int64_t i = 20; i < 40; ++i) Push(i);
  Finish();
  EXPECT_TRUE(outbox_.Flush());
  ExpectWhole(40);
  EXPECT_EQ(heard_.assignments(), 1);
}

TEST_F(UplinkTest, WaitsForAServerThatIsNotThereYet) {
  server.Stop();
  Start();
  for (int64_t i = 0; i < 5; ++i) Push(i);
  Finish();
  server.Start();
  WriteEndpoint();
  EXPECT_TRUE(outbox_.Flush());
  ExpectWhole(5);
}

TEST_F(UplinkTest, BringsCommands) {
  Start();
  heard_.AwaitAssignment();
  server.Command(v1::Command::STOP);
  EXPECT_EQ(heard_.AwaitCommand(), v1::Command::STOP);
}

TEST_F(UplinkTest, BringsACommandThatWasGivenWhileItWasAway) {
  server.Command(v1::Command::CANCEL);
  Start();
  EXPECT_EQ(heard_.AwaitCommand(), v1::Command::CANCEL);
  EXPECT_EQ(heard_.AwaitAssignment(), "given");
}

// A rank of several, for which time stands still.
class UplinkOfSeveralTest : public UplinkTest {
 protected:
  ~UplinkOfSeveralTest() override { uplink_.reset(); }  // before the clock
  void StartBeating() {
    const auto heartbeat = [this] {
      v1::Heartbeat beat;
      beat.set_generation(3);
      beat.set_broken(broken_);
      return beat;
    };
    Start({.isa = "avx2", .heartbeat = heartbeat}, clock_);
  }

  std::atomic<bool> broken_{false};
  test_support::FakeClock clock_;
};

TEST_F(UplinkOfSeveralTest, BeatsBesideItsEvents) {
  StartBeating();
  heard_.AwaitAssignment();
  for (int64_t i = 0; i < 20; ++i) Push(i);
  Finish();
  EXPECT_TRUE(outbox_.Flush());
  ExpectWhole(20);
  ASSERT_EQ(server.heartbeats(kFence).size(), 1U);
  EXPECT_EQ(server.heartbeats(kFence)[0].generation(), 3);
}

TEST_F(UplinkOfSeveralTest, BeatsOnceASecond) {
  StartBeating();
  for (size_t beats = 1; beats <= 3; ++beats) {
    EXPECT_TRUE(server.WaitForHeartbeats(kFence, beats));
    clock_.AwaitWaiters(1);
    clock_.Advance(999'999);
    clock_.AwaitWaiters(1);
    EXPECT_EQ(server.heartbeats(kFence).size(), beats);
    clock_.Advance(1);
  }
}

TEST_F(UplinkOfSeveralTest, BeatsAtOnceWhenItIsWoken) {
  StartBeating();
  ASSERT_TRUE(server.WaitForHeartbeats(kFence, 1));
  broken_ = true;
  outbox_.Wake();
  const auto is_broken = [](const v1::Heartbeat& heartbeat) { return heartbeat.broken(); };
  EXPECT_TRUE(server.WaitForHeartbeat(kFence, is_broken));
}

TEST_F(UplinkOfSeveralTest, BringsMeetingsAndSaysWhichItKnows) {
  StartBeating();
  heard_.AwaitAssignment();
  server.AllowMember(kFence + 1);
  server.CallMeeting({kFence + 1, kFence});
  const v1::Meeting first = heard_.AwaitMeeting(1);
  EXPECT_EQ(first.rank(), 1);
  EXPECT_EQ(first.size(), 2);
  EXPECT_NE(first.secret(), "");
  EXPECT_EQ(server.CallMeeting({kFence}), 2);
  EXPECT_EQ(heard_.AwaitMeeting(2).size(), 1);
  EXPECT_EQ(server.hellos().back().generation(), 3);
}

TEST_F(UplinkOfSeveralTest, HearsOfAMeetingThatWasCalledWhileItWasAway) {
  StartBeating();
  heard_.AwaitAssignment();
  server.Stop();
  server.CallMeeting({kFence});
  server.Start();
  WriteEndpoint();
  EXPECT_EQ(heard_.AwaitMeeting(1).generation(), 1);
}

TEST_F(UplinkTest, ARankAloneSendsNoHeartbeats) {
  Start();
  outbox_.Wake();
  Push(0);
  Finish();
  EXPECT_TRUE(outbox_.Flush());
  EXPECT_TRUE(server.heartbeats(kFence).empty());
  EXPECT_EQ(server.hellos()[0].generation(), 0);
}

TEST_F(UplinkTest, AFencedOffRankEndsAtOnce) {
  Start();
  heard_.AwaitAssignment();
  server.FenceOff();
  Push(1);
  EXPECT_EQ(heard_.AwaitFatal().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(outbox_.Flush());
}

TEST_F(UplinkTest, GivesUpWhenNoServerComesBack) {
  server.Stop();
  Start({.isa = "avx2", .give_up_micros = 200'000});
  EXPECT_EQ(heard_.AwaitFatal().code(), absl::StatusCode::kAborted);
}

TEST_F(UplinkTest, EndsWhileItWaitsForAServer) {
  server.Stop();
  Start();
  uplink_.reset();
}

}  // namespace
}  // namespace gradus::worker
