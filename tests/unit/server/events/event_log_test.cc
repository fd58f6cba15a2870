// SPDX-License-Identifier: Apache-2.0
#include "server/events/event_log.h"

#include <atomic>
#include <thread>

#include "engine/base/mutex.h"
#include "tests/support/history.h"
#include "tests/unit/server/store/store_fixture.h"

namespace gradus::events {
namespace {

v1::Event Line(const std::string& text) {
  v1::Event event;
  event.mutable_log_line()->set_text(text);
  return event;
}

v1::Event StateEvent(v1::Job::State to) {
  v1::Event event;
  event.mutable_state_changed()->set_to(to);
  return event;
}

class EventLogTest : public store::StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    log_ = std::make_unique<EventLog>(store_.get(), &clock_);
    ASSERT_TRUE(store_->Write([&](store::Tx& tx) { return log_->Begin(tx, "j1"); }).ok());
  }

  absl::Status Append(int count, int32_t attempt = 1) {
    std::vector<v1::Event> events;
    for (int i = 0; i < count; ++i) events.push_back(Line("line"));
    return store_->Write([&](store::Tx& tx) { return log_->Append(tx, "j1", attempt, events); });
  }

  absl::Status Close() {
    v1::Event last = StateEvent(v1::Job::SUCCEEDED);
    return store_->Write([&](store::Tx& tx) { return log_->Close(tx, "j1", 1, last); });
  }

  std::unique_ptr<EventLog> log_;
};

TEST_F(EventLogTest, NumbersFromOneWithoutGap) {
  ASSERT_TRUE(Append(3).ok());
  ASSERT_TRUE(Append(2, 7).ok());
  const auto page = log_->Read("j1", {});
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->events.size(), 5u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(page->events[i].seq(), i + 1);
  EXPECT_EQ(page->events[4].attempt(), 7);
  EXPECT_EQ(page->events[0].time().seconds(), clock_.NowMicros() / 1'000'000);
}

TEST_F(EventLogTest, KeepsSeqConsecutiveAcrossRestart) {
  ASSERT_TRUE(Append(3).ok());
  log_.reset();
  CloseStore();
  OpenStore();
  log_ = std::make_unique<EventLog>(store_.get(), &clock_);
  ASSERT_TRUE(Append(1).ok());
  EXPECT_EQ(log_->Read("j1", {.after_seq = 3})->events.at(0).seq(), 4);
}

TEST_F(EventLogTest, AFailedTransactionTakesNoNumber) {
  std::vector<v1::Event> events = {Line("x")};
  EXPECT_FALSE(store_
                   ->Write([&](store::Tx& tx) -> absl::Status {
                     RETURN_IF_ERROR(log_->Append(tx, "j1", 1, events));
                     return absl::CancelledError("no");
                   })
                   .ok());
  ASSERT_TRUE(Append(1).ok());
  const auto page = log_->Read("j1", {});
  ASSERT_EQ(page->events.size(), 1u);
  EXPECT_EQ(page->events[0].seq(), 1);
}

TEST_F(EventLogTest, ReadingGoesOnFromACursor) {
  ASSERT_TRUE(Append(10).ok());
  int64_t after = 0;
  int64_t expected = 1;
  while (true) {
    const auto page = log_->Read("j1", {.after_seq = after, .limit = 3});
    ASSERT_TRUE(page.ok());
    if (page->events.empty()) break;
    for (const v1::Event& event : page->events) EXPECT_EQ(event.seq(), expected++);
    after = page->next_after;
  }
  EXPECT_EQ(expected, 11);
}

TEST_F(EventLogTest, APageHasALimitOfBytes) {
  ASSERT_TRUE(Append(50).ok());
  const auto page = log_->Read("j1", {.max_bytes = 100});
  ASSERT_TRUE(page.ok());
  EXPECT_GE(page->events.size(), 1u);
  EXPECT_LT(page->events.size(), 20u);
  EXPECT_EQ(page->next_after, page->events.back().seq());
}

TEST_F(EventLogTest, BeyondTheEndIsOutOfRange) {
  ASSERT_TRUE(Append(2).ok());
  EXPECT_TRUE(log_->Read("j1", {.after_seq = 2}).ok());
  const absl::Status status = log_->Read("j1", {.after_seq = 3}).status();
  EXPECT_TRUE(absl::IsOutOfRange(status));
  EXPECT_NE(std::string(status.message()).find("0 to 2"), std::string::npos) << status;
  EXPECT_TRUE(absl::IsNotFound(log_->Read("j2", {}).status()));
}

TEST_F(EventLogTest, AKindIsReadAlone) {
  ASSERT_TRUE(Append(2).ok());
  std::vector<v1::Event> other = {StateEvent(v1::Job::QUEUED)};
  ASSERT_TRUE(store_->Write([&](store::Tx& tx) { return log_->Append(tx, "j1", 1, other); }).ok());
  ASSERT_TRUE(Append(1).ok());
  const auto page = log_->Read("j1", {.kind = v1::Event::kStateChanged});
  ASSERT_EQ(page->events.size(), 1u);
  EXPECT_EQ(page->events[0].seq(), 3);
  EXPECT_EQ(page->next_after, 4);
}

TEST_F(EventLogTest, NothingFollowsTheEnd) {
  ASSERT_TRUE(Append(2).ok());
  EXPECT_FALSE(log_->Read("j1", {})->closed);
  ASSERT_TRUE(Close().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Append(1)));
  const auto page = log_->Read("j1", {.limit = 3});
  EXPECT_FALSE(page->closed && page->next_after < 3);
  EXPECT_TRUE(log_->Read("j1", {.after_seq = 3})->closed);
}

TEST_F(EventLogTest, SubscribersWakeAfterTheCommit) {
  std::atomic<int> wakes = 0;
  auto subscription = log_->Subscribe("j1", [&] {
    ++wakes;
    EXPECT_FALSE(log_->Read("j1", {})->events.empty());
  });
  ASSERT_TRUE(Append(1).ok());
  EXPECT_EQ(wakes, 1);
  subscription.reset();
  ASSERT_TRUE(Append(1).ok());
  EXPECT_EQ(wakes, 1);
}

TEST_F(EventLogTest, ASubscriberMayLeaveInsideItsWakeUp) {
  std::unique_ptr<Subscription> subscription;
  int wakes = 0;
  subscription = log_->Subscribe("j1", [&] {
    ++wakes;
    subscription.reset();
  });
  ASSERT_TRUE(Append(1).ok());
  ASSERT_TRUE(Append(1).ok());
  EXPECT_EQ(wakes, 1);
}

// A watcher that reads by cursor and breaks off at random, beside others, while events come.
void Watch(EventLog& log, const std::string& name, int break_every,
           test_support::StreamHistory& history) {
  base::Mutex mu;
  base::CondVar changed;
  bool woken = false;
  int64_t after = 0;
  int pages = 0;
  while (true) {
    history.Opened(name, after);
    auto subscription = log.Subscribe("j1", [&] {
      base::MutexLock lock(mu);
      woken = true;
      changed.Signal();
    });
    while (true) {
      const auto page = log.Read("j1", {.after_seq = after, .limit = 5});
      ASSERT_TRUE(page.ok()) << page.status();
      for (const v1::Event& event : page->events) history.Saw(name, event);
      after = page->next_after;
      if (page->closed) return;
      if (!page->events.empty() && ++pages % break_every == 0) break;
      if (!page->events.empty()) continue;
      base::MutexLock lock(mu);
      changed.Wait(mu, [&] { return woken; });
      woken = false;
    }
  }
}

TEST_F(EventLogTest, ManyWatchersSeeEveryEventOnceInOrder) {
  test_support::StreamHistory history;
  std::vector<std::thread> watchers;
  for (int i = 0; i < 6; ++i) {
    watchers.emplace_back([&, i] { Watch(*log_, "watcher " + std::to_string(i), 1 + i, history); });
  }
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(Append(1 + i % 4).ok());
  ASSERT_TRUE(Close().ok());
  for (std::thread& watcher : watchers) watcher.join();
  int64_t last = 0;
  for (int i = 0; i < 60; ++i) last += 1 + i % 4;
  EXPECT_THAT(history.Check(true, last + 1), ::testing::IsEmpty());
}

TEST(StreamHistoryTest, FindsGapsRepetitionsAndDifferences) {
  test_support::StreamHistory history;
  v1::Event event = Line("a");
  event.set_seq(1);
  history.Opened("w", 0);
  history.Saw("w", event);
  history.Saw("w", event);  // again
  event.set_seq(4);         // a gap
  history.Saw("w", event);
  event.mutable_log_line()->set_text("b");
  history.Opened("v", 3);
  history.Saw("v", event);  // not what w saw
  EXPECT_EQ(history.Check(false, 0).size(), 3u);
}

TEST(SubmitHistoryTest, FindsLossAndDoubles) {
  test_support::SubmitHistory history;
  history.Sent("a", "1");
  history.Acknowledged("a", "1", "j1");
  history.Sent("a", "2");
  EXPECT_TRUE(history.Check({"j1"}).empty());
  EXPECT_TRUE(history.Check({"j1", "j2"}).empty());
  EXPECT_EQ(history.Check({"j1", "j2", "j3"}).size(), 1u);
  EXPECT_FALSE(history.Check({"j2"}).empty());
  history.Acknowledged("a", "1", "j2");
  EXPECT_FALSE(history.Check({"j1", "j2"}).empty());
}

}  // namespace
}  // namespace gradus::events
