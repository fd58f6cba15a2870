// SPDX-License-Identifier: Apache-2.0
#include "server/worker/meetings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/fake_clock.h"

namespace gradus::worker {
namespace {

using ::testing::HasSubstr;

// Tells when somebody has begun to wait.
class CountingClock final : public base::Clock {
 public:
  int64_t NowMicros() const override { return clock_.NowMicros(); }
  int64_t MonotonicMicros() const override { return clock_.MonotonicMicros(); }
  bool WaitUntil(base::Mutex& mu, base::CondVar& cv, int64_t deadline_micros,
                 absl::FunctionRef<bool()> predicate) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    ++waits_;
    return clock_.WaitUntil(mu, cv, deadline_micros, predicate);
  }
  void Advance(int64_t micros) { clock_.Advance(micros); }
  void AwaitWaiters(size_t count) { clock_.AwaitWaiters(count); }
  int waits() const { return waits_; }

 private:
  test_support::FakeClock clock_;
  std::atomic<int> waits_{0};
};

// What a test knows of a group, also when that is gone.
struct Wire {
  explicit Wire(base::Clock& of) : clock(of) {}

  void AwaitWait() {
    base::MutexLock lock(mu);
    changed.Wait(mu, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) { return waiting; });
  }
  void Deliver() {
    base::MutexLock lock(mu);
    delivered = true;
    changed.SignalAll();
  }
  // When it was aborted; 0: it was not.
  int64_t aborted_micros() {
    base::MutexLock lock(mu);
    return aborted;
  }

  base::Clock& clock;
  base::Mutex mu;
  base::CondVar changed;
  bool waiting ABSL_GUARDED_BY(mu) = false;
  bool delivered ABSL_GUARDED_BY(mu) = false;  // what is waited for, once
  int64_t aborted ABSL_GUARDED_BY(mu) = 0;
};

class WireTransfer final : public collective::Transfer {
 public:
  explicit WireTransfer(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}
  absl::Status Wait() override {
    base::MutexLock lock(wire_->mu);
    wire_->waiting = true;
    wire_->changed.SignalAll();
    wire_->changed.Wait(wire_->mu, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(wire_->mu) {
      return wire_->delivered || wire_->aborted != 0;
    });
    wire_->waiting = false;
    if (std::exchange(wire_->delivered, false)) return absl::OkStatus();
    return absl::AbortedError("the group was ended");
  }

 private:
  const std::shared_ptr<Wire> wire_;
};

// Nothing comes through it unless the test says so.
class WireGroup final : public collective::Group {
 public:
  WireGroup(std::shared_ptr<Wire> wire, const v1::Meeting& meeting)
      : wire_(std::move(wire)), meeting_(meeting) {}

  int rank() const override { return meeting_.rank(); }
  int size() const override { return meeting_.size(); }
  absl::StatusOr<std::unique_ptr<collective::Transfer>> Send(int, uint32_t,
                                                             std::span<const std::byte>) override {
    return std::make_unique<WireTransfer>(wire_);
  }
  absl::StatusOr<std::unique_ptr<collective::Transfer>> Receive(int, uint32_t,
                                                                std::span<std::byte>) override {
    return std::make_unique<WireTransfer>(wire_);
  }
  void Abort() override {
    base::MutexLock lock(wire_->mu);
    if (wire_->aborted == 0) wire_->aborted = wire_->clock.MonotonicMicros();
    wire_->changed.SignalAll();
  }

 private:
  const std::shared_ptr<Wire> wire_;
  const v1::Meeting meeting_;
};

v1::Meeting MeetingOf(int64_t generation, int rank = 0, int size = 2) {
  v1::Meeting meeting;
  meeting.set_generation(generation);
  meeting.set_rank(rank);
  meeting.set_size(size);
  return meeting;
}

// Waits for another rank, in a thread.
class Waiting {
 public:
  explicit Waiting(collective::Group& group)
      : transfer_(group.Receive(1, 0, bytes_).value()),
        thread_([this] { status_ = transfer_->Wait(); }) {}
  ~Waiting() {
    if (thread_.joinable()) thread_.join();
  }
  absl::Status End() {
    thread_.join();
    return status_;
  }

 private:
  std::array<std::byte, 8> bytes_{};
  std::unique_ptr<collective::Transfer> transfer_;
  absl::Status status_;
  std::thread thread_;
};

class MeetingsTest : public ::testing::Test {
 protected:
  Connector Connects() {
    return [this](const v1::Meeting& meeting, const std::atomic<bool>& given_up)
               -> absl::StatusOr<std::unique_ptr<collective::Group>> {
      if (before_connected_) {
        const absl::Status status = before_connected_(meeting, given_up);
        if (!status.ok()) return status;
      }
      base::MutexLock lock(mu_);
      wires_[meeting.generation()] = std::make_shared<Wire>(clock_);
      return std::make_unique<WireGroup>(wires_[meeting.generation()], meeting);
    };
  }
  std::shared_ptr<Wire> wire(int64_t generation) {
    base::MutexLock lock(mu_);
    return wires_[generation];
  }
  trainer::Meeting MeetFirst() {
    meetings_.Announce(MeetingOf(1));
    return std::move(meetings_.Meet(0)).value();
  }
  // The group of the first meeting is ended after this much time from now; time goes on only when
  // the watch has looked.
  int64_t MicrosUntilAborted() {
    const int64_t begun = clock_.MonotonicMicros();
    while (wire(1)->aborted_micros() == 0) {
      const int looks = clock_.waits();
      clock_.Advance(100'000);
      while (clock_.waits() == looks && wire(1)->aborted_micros() == 0) std::this_thread::yield();
    }
    return wire(1)->aborted_micros() - begun;
  }
  void ExpectAbortedAfter(int64_t micros) {
    const int64_t passed = MicrosUntilAborted();
    EXPECT_GE(passed, micros);
    EXPECT_LE(passed, micros + 300'000);
  }

  CountingClock clock_;
  trainer::Control control_;
  std::atomic<int> beats_{0};
  std::function<absl::Status(const v1::Meeting&, const std::atomic<bool>&)> before_connected_;
  base::Mutex mu_;
  std::map<int64_t, std::shared_ptr<Wire>> wires_ ABSL_GUARDED_BY(mu_);
  Meetings meetings_{Connects(), [this] { ++beats_; }, control_, clock_};
};

TEST_F(MeetingsTest, AMeetingIsWaitedForAndConnected) {
  std::thread server([&] { meetings_.Announce(MeetingOf(4, 1, 3)); });
  const absl::StatusOr<trainer::Meeting> met = meetings_.Meet(3);
  server.join();
  ASSERT_TRUE(met.ok()) << met.status();
  EXPECT_EQ(met->generation, 4);
  EXPECT_EQ(met->group->rank(), 1);
  EXPECT_EQ(met->group->size(), 3);
  EXPECT_EQ(meetings_.announced(), 4);
  EXPECT_EQ(meetings_.Heartbeat().generation(), 4);
}

TEST_F(MeetingsTest, WhatIsNotNewerOrNoMeetingChangesNothing) {
  const trainer::Meeting met = MeetFirst();
  meetings_.Announce(MeetingOf(1));
  meetings_.Announce(MeetingOf(2, 2, 2));
  meetings_.Announce(MeetingOf(2, -1, 2));
  meetings_.Announce(MeetingOf(2, 0, 0));
  meetings_.Announce(MeetingOf(2, 0, 1 << 30));
  meetings_.Announce(MeetingOf(-2));
  EXPECT_EQ(meetings_.announced(), 1);
}

TEST_F(MeetingsTest, OneThatCannotBeConnectedIsSaidToBeBrokenAndTheNextOneIsTried) {
  before_connected_ = [this](const v1::Meeting& meeting, const std::atomic<bool>&) {
    if (meeting.generation() > 1) return absl::OkStatus();
    return absl::UnavailableError("rank 1 did not come");
  };
  meetings_.Announce(MeetingOf(1));
  std::thread run([&] { EXPECT_EQ(meetings_.Meet(0)->generation, 2); });
  while (beats_ == 0) std::this_thread::yield();
  const v1::Heartbeat heartbeat = meetings_.Heartbeat();
  EXPECT_EQ(heartbeat.generation(), 1);
  EXPECT_TRUE(heartbeat.broken());
  EXPECT_THAT(heartbeat.reason(), HasSubstr("rank 1 did not come"));
  meetings_.Announce(MeetingOf(2));
  run.join();
  EXPECT_FALSE(meetings_.Heartbeat().broken());
  EXPECT_EQ(beats_, 1);
}

TEST_F(MeetingsTest, ConnectingIsGivenUpForANewerMeeting) {
  std::atomic<bool> connecting = false;
  before_connected_ = [&](const v1::Meeting& meeting, const std::atomic<bool>& given_up) {
    if (meeting.generation() > 1) return absl::OkStatus();
    connecting = true;
    while (!given_up) std::this_thread::yield();
    return absl::AbortedError("given up");
  };
  meetings_.Announce(MeetingOf(1));
  std::thread run([&] { EXPECT_EQ(meetings_.Meet(0)->generation, 2); });
  while (!connecting) std::this_thread::yield();
  meetings_.Announce(MeetingOf(2));
  run.join();
  EXPECT_EQ(beats_, 0);  // nothing is wrong with the newer one
}

TEST_F(MeetingsTest, AGroupIsDroppedWhenANewerMeetingWasCalledMeanwhile) {
  before_connected_ = [&](const v1::Meeting& meeting, const std::atomic<bool>&) {
    if (meeting.generation() == 1) meetings_.Announce(MeetingOf(2));
    return absl::OkStatus();
  };
  meetings_.Announce(MeetingOf(1));
  EXPECT_EQ(meetings_.Meet(0)->generation, 2);
}

TEST_F(MeetingsTest, ConnectingEndsWithAll) {
  before_connected_ = [&](const v1::Meeting&, const std::atomic<bool>& given_up) {
    meetings_.End();
    EXPECT_TRUE(given_up);
    return absl::OkStatus();
  };
  meetings_.Announce(MeetingOf(1));
  EXPECT_TRUE(absl::IsCancelled(meetings_.Meet(0).status()));
  EXPECT_EQ(beats_, 0);
}

TEST_F(MeetingsTest, NoMeetingIsWaitedForWhenTheRunIsToEnd) {
  std::thread run([&] { EXPECT_TRUE(absl::IsCancelled(meetings_.Meet(0).status())); });
  clock_.AwaitWaiters(1);
  control_.RequestStop();
  clock_.Advance(100'000);
  run.join();
  control_.RequestCancel();
  meetings_.Announce(MeetingOf(1));
  EXPECT_TRUE(absl::IsCancelled(meetings_.Meet(0).status()));
}

TEST_F(MeetingsTest, RanksMeetToStopTogether) {
  control_.RequestStop();
  meetings_.Announce(MeetingOf(1));
  EXPECT_TRUE(meetings_.Meet(0).ok());
  std::thread run([&] { EXPECT_TRUE(meetings_.Meet(1).ok()); });
  clock_.AwaitWaiters(1);
  clock_.Advance(9'000'000);
  meetings_.Announce(MeetingOf(2));
  run.join();
}

TEST_F(MeetingsTest, AStopIsNotHeldUpByAMeetingThatDoesNotCome) {
  const trainer::Meeting met = MeetFirst();
  control_.RequestStop();
  const int64_t begun = clock_.MonotonicMicros();
  std::atomic<bool> done = false;
  std::thread run([&] {
    EXPECT_TRUE(absl::IsCancelled(meetings_.Meet(1).status()));
    done = true;
  });
  while (!done) clock_.Advance(100'000);
  run.join();
  EXPECT_GE(clock_.MonotonicMicros() - begun, 10'000'000);
}

TEST_F(MeetingsTest, ABrokenMeetingIsSaidToBeSoUntilTheNextOne) {
  const trainer::Meeting met = MeetFirst();
  EXPECT_FALSE(meetings_.Heartbeat().broken());
  meetings_.Broken(1, absl::UnavailableError("rank 1 is gone"));
  EXPECT_EQ(beats_, 1);
  EXPECT_TRUE(meetings_.Heartbeat().broken());
  EXPECT_EQ(meetings_.Heartbeat().reason(), "rank 1 is gone");
  meetings_.Announce(MeetingOf(2));
  EXPECT_FALSE(meetings_.Heartbeat().broken());
  meetings_.Broken(1, absl::UnavailableError("rank 1 is gone"));  // late: it is known
  EXPECT_FALSE(meetings_.Heartbeat().broken());
}

TEST_F(MeetingsTest, SaysForHowLongItWaitsForAnotherRank) {
  trainer::Meeting met = MeetFirst();
  EXPECT_EQ(meetings_.Heartbeat().waiting_seconds(), 0.0);
  Waiting waiting(*met.group);
  wire(1)->AwaitWait();
  clock_.Advance(3'000'000);
  EXPECT_DOUBLE_EQ(meetings_.Heartbeat().waiting_seconds(), 3.0);
  wire(1)->Deliver();
  EXPECT_TRUE(waiting.End().ok());
  EXPECT_EQ(meetings_.Heartbeat().waiting_seconds(), 0.0);
}

TEST_F(MeetingsTest, ARunThatWaitsForALostRankGetsOutASecondAfterTheNextMeetingIsCalled) {
  trainer::Meeting met = MeetFirst();
  Waiting waiting(*met.group);
  wire(1)->AwaitWait();
  clock_.Advance(60'000'000);  // alone this is none of ours: the other may be slow
  EXPECT_EQ(wire(1)->aborted_micros(), 0);
  meetings_.Announce(MeetingOf(2));
  ExpectAbortedAfter(1'000'000);
  EXPECT_TRUE(absl::IsAborted(waiting.End()));
}

TEST_F(MeetingsTest, AWaitThatHasJustBegunIsGivenASecondToo) {
  trainer::Meeting met = MeetFirst();
  meetings_.Announce(MeetingOf(2));
  clock_.Advance(5'000'000);
  Waiting waiting(*met.group);
  wire(1)->AwaitWait();
  ExpectAbortedAfter(1'000'000);
}

TEST_F(MeetingsTest, WhereStepsTakeLongWaitsMayToo) {
  trainer::Meeting met = MeetFirst();
  {
    Waiting long_step(*met.group);
    wire(1)->AwaitWait();
    clock_.Advance(3'000'000);
    wire(1)->Deliver();
  }
  Waiting waiting(*met.group);
  wire(1)->AwaitWait();
  meetings_.Announce(MeetingOf(2));
  ExpectAbortedAfter(6'000'000);
}

TEST_F(MeetingsTest, ButNotForEver) {
  trainer::Meeting met = MeetFirst();
  {
    Waiting very_long_step(*met.group);
    wire(1)->AwaitWait();
    clock_.Advance(3'600'000'000);
    wire(1)->Deliver();
  }
  Waiting waiting(*met.group);
  wire(1)->AwaitWait();
  meetings_.Announce(MeetingOf(2));
  ExpectAbortedAfter(10'000'000);
}

TEST_F(MeetingsTest, ABrokenGroupIsEndedAsSoonAsTheNextMeetingIsCalled) {
  trainer::Meeting met = MeetFirst();
  Waiting another_thread(*met.group);
  wire(1)->AwaitWait();
  meetings_.Broken(1, absl::UnavailableError("rank 1 is gone"));
  meetings_.Announce(MeetingOf(2));
  EXPECT_TRUE(absl::IsAborted(another_thread.End()));  // time stands still
}

TEST_F(MeetingsTest, TheGroupEndsWithAll) {
  trainer::Meeting met = MeetFirst();
  Waiting waiting(*met.group);
  wire(1)->AwaitWait();
  meetings_.End();
  EXPECT_TRUE(absl::IsAborted(waiting.End()));
}

TEST_F(MeetingsTest, AGroupThatTheRunHasLeftIsLeftInPeace) {
  trainer::Meeting met = MeetFirst();
  meetings_.Announce(MeetingOf(2));
  trainer::Meeting next = std::move(meetings_.Meet(1)).value();
  Waiting of_old(*met.group);
  wire(1)->AwaitWait();
  clock_.Advance(60'000'000);
  meetings_.End();
  Waiting of_new(*next.group);
  EXPECT_TRUE(absl::IsAborted(of_new.End()));  // so the watch has looked
  EXPECT_EQ(wire(1)->aborted_micros(), 0);
  wire(1)->Deliver();
}

TEST_F(MeetingsTest, AGroupMayOutliveItsMeetings) {
  std::unique_ptr<collective::Group> group;
  {
    Meetings meetings(
        Connects(), [] {}, control_, clock_);
    meetings.Announce(MeetingOf(1));
    group = std::move(meetings.Meet(0)->group);
  }
  EXPECT_EQ(group->size(), 2);
}

}  // namespace
}  // namespace gradus::worker
