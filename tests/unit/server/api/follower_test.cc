// SPDX-License-Identifier: Apache-2.0
// Watchers: consecutive events from any cursor, no thread and one page while the client is slow,
// one end.
#include "server/api/follower.h"

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "engine/base/clock.h"
#include "engine/base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_database.h"

namespace gradus::api {
namespace {

// A client that takes pages at once, or only when it is told to.
class Client : public Follower::Sink {
 public:
  explicit Client(bool eager) : eager_(eager) {}

  absl::Status Admit() override { return admit; }
  void Send(std::vector<v1::Event> events) override {
    std::shared_ptr<Follower> follower;
    {
      base::MutexLock lock(mu_);
      EXPECT_FALSE(sending_) << "a second page before the first had gone";
      EXPECT_FALSE(end_.has_value());
      for (const v1::Event& event : events) seqs_.push_back(event.seq());
      ++pages_;
      sending_ = !eager_;
      follower = self.lock();
      changed_.SignalAll();
    }
    if (eager_) follower->Sent(true);
  }
  void End(const absl::Status& status) override {
    base::MutexLock lock(mu_);
    EXPECT_FALSE(end_.has_value()) << "a second end";
    end_ = status;
    changed_.SignalAll();
  }

  void Take(bool ok = true) {
    {
      base::MutexLock lock(mu_);
      sending_ = false;
    }
    self.lock()->Sent(ok);
  }
  absl::Status AwaitEnd() {
    base::MutexLock lock(mu_);
    if (!changed_.WaitFor(mu_, kLong, [&] { return end_.has_value(); }))
      return absl::DeadlineExceededError("it never ended");
    return *end_;
  }
  bool AwaitEvents(size_t count) {
    base::MutexLock lock(mu_);
    return changed_.WaitFor(mu_, kLong, [&] { return seqs_.size() >= count; });
  }
  bool AwaitPages(int count) {
    base::MutexLock lock(mu_);
    return changed_.WaitFor(mu_, kLong, [&] { return pages_ >= count; });
  }
  std::vector<int64_t> seqs() {
    base::MutexLock lock(mu_);
    return seqs_;
  }
  int pages() {
    base::MutexLock lock(mu_);
    return pages_;
  }

  absl::Status admit;
  std::weak_ptr<Follower> self;

 private:
  static constexpr std::chrono::microseconds kLong = std::chrono::seconds(30);
  const bool eager_;
  base::Mutex mu_;
  base::CondVar changed_;
  std::vector<int64_t> seqs_;
  int pages_ = 0;
  bool sending_ = false;
  std::optional<absl::Status> end_;
};

class FollowerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store_ = *store::Store::Open({.path = database_.path(),
                                  .url = database_.url(),
                                  .files = &base::RealFiles(),
                                  .clock = &base::RealClock()});
    log_ = std::make_unique<events::EventLog>(store_.get(), &base::RealClock());
    hub_ = std::make_unique<StreamHub>();
    pool_ = std::make_unique<WorkPool>(2);
    Begin("j1");
  }
  void TearDown() override { pool_.reset(); }

  void Begin(const std::string& job) {
    ASSERT_TRUE(store_->Write([&](store::Tx& tx) { return log_->Begin(tx, job); }).ok());
  }
  void Append(int count, size_t text_bytes = 10, const std::string& job = "j1") {
    std::vector<v1::Event> events(static_cast<size_t>(count));
    for (v1::Event& event : events)
      event.mutable_log_line()->set_text(std::string(text_bytes, 'x'));
    ASSERT_TRUE(
        store_->Write([&](store::Tx& tx) { return log_->Append(tx, job, 1, events); }).ok());
  }
  void Close(const std::string& job = "j1") {
    v1::Event last;
    last.mutable_state_changed()->set_to(v1::Job::SUCCEEDED);
    ASSERT_TRUE(store_->Write([&](store::Tx& tx) { return log_->Close(tx, job, 1, last); }).ok());
  }
  std::shared_ptr<Follower> Follow(Client& client, FollowQuery query = {.job = "j1"}) {
    auto follower = std::make_shared<Follower>(query, *log_, *pool_, *hub_, &client);
    client.self = follower;
    follower->Start();
    return follower;
  }
  static std::vector<int64_t> Range(int64_t first, int64_t last) {
    std::vector<int64_t> seqs;
    for (int64_t seq = first; seq <= last; ++seq) seqs.push_back(seq);
    return seqs;
  }

  test_support::TempDir dir_;
  test_support::TestDatabase database_{dir_ / "gradus.db"};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<events::EventLog> log_;
  std::unique_ptr<StreamHub> hub_;
  std::unique_ptr<WorkPool> pool_;
};

TEST_F(FollowerTest, SendsAllFromTheCursorAndEndsWithTheLog) {
  Append(1000);
  Close();
  Client client(true);
  const auto follower = Follow(client, {.job = "j1", .after_seq = 300});
  EXPECT_TRUE(client.AwaitEnd().ok());
  EXPECT_EQ(client.seqs(), Range(301, 1001));
}

TEST_F(FollowerTest, WaitsForWhatIsStillToCome) {
  Client client(true);
  const auto follower = Follow(client);
  for (int i = 1; i <= 20; ++i) {
    Append(1);
    ASSERT_TRUE(client.AwaitEvents(static_cast<size_t>(i)));
  }
  Close();
  EXPECT_TRUE(client.AwaitEnd().ok());
  EXPECT_EQ(client.seqs(), Range(1, 21));
}

TEST_F(FollowerTest, AStalledClientCostsOnePageAndNoThread) {
  pool_ = std::make_unique<WorkPool>(1);
  Append(500, 2000);
  std::vector<std::unique_ptr<Client>> stalled;
  std::vector<std::shared_ptr<Follower>> followers;
  for (int i = 0; i < 50; ++i) {
    followers.push_back(Follow(*stalled.emplace_back(std::make_unique<Client>(false))));
  }
  Client healthy(true);
  const auto follower = Follow(healthy);
  Append(100);
  Close();
  EXPECT_TRUE(healthy.AwaitEnd().ok());
  EXPECT_EQ(healthy.seqs(), Range(1, 601));
  for (auto& client : stalled) {
    EXPECT_EQ(client->pages(), 1);
    // A page stops after the event that passes 64 KiB.
    EXPECT_LT(client->seqs().size() * 2000, size_t{72} << 10);
  }
  // A client that reads again misses nothing.
  while (stalled[0]->seqs().size() < 601) {
    const int pages = stalled[0]->pages();
    stalled[0]->Take();
    ASSERT_TRUE(stalled[0]->AwaitPages(pages + 1));
  }
  stalled[0]->Take();
  EXPECT_TRUE(stalled[0]->AwaitEnd().ok());
  EXPECT_EQ(stalled[0]->seqs(), Range(1, 601));
}

TEST_F(FollowerTest, AClientThatGoesAwayWhileItWaitsEndsOnce) {
  Client client(true);
  const auto follower = Follow(client);
  follower->Cancel();
  follower->Cancel();
  EXPECT_EQ(client.AwaitEnd().code(), absl::StatusCode::kCancelled);
  Append(5);
  pool_.reset();
  EXPECT_TRUE(client.seqs().empty());
}

TEST_F(FollowerTest, AClientThatGoesAwayDuringAPageEndsAfterIt) {
  Append(1);
  Client client(false);
  const auto follower = Follow(client);
  ASSERT_TRUE(client.AwaitPages(1));
  follower->Cancel();
  client.Take(false);
  EXPECT_EQ(client.AwaitEnd().code(), absl::StatusCode::kCancelled);
}

TEST_F(FollowerTest, AServerThatStopsSaysUnavailable) {
  Client waiting(true);
  Client late(true);
  const auto follower = Follow(waiting);
  hub_->CloseAll();
  EXPECT_EQ(waiting.AwaitEnd().code(), absl::StatusCode::kUnavailable);
  const auto second = Follow(late);
  EXPECT_EQ(late.AwaitEnd().code(), absl::StatusCode::kUnavailable);
}

TEST_F(FollowerTest, WhoMayNotWatchSeesNothing) {
  Append(3);
  Client client(true);
  client.admit = absl::PermissionDeniedError("no");
  const auto follower = Follow(client);
  EXPECT_EQ(client.AwaitEnd().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(client.seqs().empty());
}

TEST_F(FollowerTest, ACursorBeyondTheEndIsOutOfRange) {
  Append(3);
  Client client(true);
  const auto follower = Follow(client, {.job = "j1", .after_seq = 4});
  EXPECT_EQ(client.AwaitEnd().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(FollowerTest, AJobThatIsNotThereIsNotFound) {
  Client client(true);
  const auto follower = Follow(client, {.job = "nope"});
  EXPECT_EQ(client.AwaitEnd().code(), absl::StatusCode::kNotFound);
}

TEST_F(FollowerTest, OneThatDoesNotWaitEndsWithWhatThereIs) {
  Append(600);
  Client client(true);
  const auto follower = Follow(client, {.job = "j1", .kind = v1::Event::kLogLine, .wait = false});
  EXPECT_TRUE(client.AwaitEnd().ok());
  EXPECT_EQ(client.seqs(), Range(1, 600));
}

TEST_F(FollowerTest, ABusyLogIsSentInSpacedPages) {
  Client client(true);
  const auto start = std::chrono::steady_clock::now();
  const auto follower = Follow(client);
  for (int i = 0; i < 200; ++i) Append(1);
  Close();
  EXPECT_TRUE(client.AwaitEnd().ok());
  EXPECT_EQ(client.seqs(), Range(1, 201));
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  EXPECT_LE(client.pages(), elapsed.count() / 20 + 2);
}

TEST_F(FollowerTest, ManyWatchersAllSeeEverythingOnceInOrder) {
  constexpr int kEvents = 300;
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::shared_ptr<Follower>> followers;
  for (int i = 0; i < 40; ++i)
    followers.push_back(Follow(*clients.emplace_back(std::make_unique<Client>(true))));
  for (int i = 0; i < kEvents / 3; ++i) Append(3);
  Close();
  for (auto& client : clients) {
    EXPECT_TRUE(client->AwaitEnd().ok());
    EXPECT_EQ(client->seqs(), Range(1, kEvents + 1));
  }
}

}  // namespace
}  // namespace gradus::api
