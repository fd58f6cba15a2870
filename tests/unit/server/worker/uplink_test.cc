// SPDX-License-Identifier: Apache-2.0
#include "server/worker/uplink.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

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
  std::optional<absl::Status> fatal_ ABSL_GUARDED_BY(mu_);
};

class UplinkTest : public ::testing::Test, protected test_support::LinkFixture {
 protected:
  UplinkTest() {
    v1::Assignment assignment;
    assignment.mutable_spec()->set_name("given");
    server.SetAssignment(assignment);
  }
  void Start(UplinkOptions options = {.isa = "avx2"}) {
    uplink_.emplace(link_, outbox_, heard_, base::RealClock(), base::SystemRandom(),
                    std::move(options));
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
