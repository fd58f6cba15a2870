// SPDX-License-Identifier: Apache-2.0
// What one server announces, others hear. Runs where GRADUS_TEST_STORE names a server.
#include "server/store/announcements.h"

#include <chrono>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/server/store/store_fixture.h"

namespace gradus::store {
namespace {

class AnnouncementsTest : public StoreFixture {
 protected:
  void SetUp() override {
    if (!database_.on_postgres()) GTEST_SKIP() << "GRADUS_TEST_STORE names no server";
    StoreFixture::SetUp();
    StoreOptions options;
    options.url = database_.url();
    options.files = &base::RealFiles();
    options.clock = &clock_;
    other_ = *Store::Open(options);
    heard_by_other_ =
        other_->Listen({.on_change =
                            [this](const std::string& topic, const std::string& object) {
                              base::MutexLock lock(mu_);
                              heard_.push_back(absl::StrCat(topic, "/", object));
                              changed_.SignalAll();
                            },
                        .on_missed =
                            [this] {
                              base::MutexLock lock(mu_);
                              ++missed_;
                              changed_.SignalAll();
                            }});
    AwaitMissed(1);
  }

  void TearDown() override {
    heard_by_other_.reset();
    other_.reset();
    StoreFixture::TearDown();
  }

  void AwaitMissed(int count) {
    base::MutexLock lock(mu_);
    ASSERT_TRUE(changed_.WaitFor(mu_, std::chrono::seconds(20), [&] { return missed_ >= count; }));
  }

  std::vector<std::string> AwaitHeard(size_t count) {
    base::MutexLock lock(mu_);
    EXPECT_TRUE(
        changed_.WaitFor(mu_, std::chrono::seconds(20), [&] { return heard_.size() >= count; }));
    return heard_;
  }

  static absl::Status Announce(Store& store, const std::string& object) {
    return store.Write([&](Tx& tx) { return tx.Announce("topic", object); });
  }

  std::unique_ptr<Store> other_;
  std::unique_ptr<Announcements> heard_by_other_;
  base::Mutex mu_;
  base::CondVar changed_;
  std::vector<std::string> heard_;
  int missed_ = 0;
};

TEST_F(AnnouncementsTest, OthersHearWhatWasCommittedInItsOrder) {
  ASSERT_TRUE(Announce(*store_, "one two").ok());
  EXPECT_FALSE(store_
                   ->Write([&](Tx& tx) -> absl::Status {
                     RETURN_IF_ERROR(tx.Announce("topic", "undone"));
                     return absl::CancelledError("changed my mind");
                   })
                   .ok());
  ASSERT_TRUE(Announce(*other_, "its own").ok());
  ASSERT_TRUE(Announce(*store_, "three").ok());
  EXPECT_THAT(AwaitHeard(2), ::testing::ElementsAre("topic/one two", "topic/three"));
}

TEST_F(AnnouncementsTest, ALostConnectionIsToldAndMadeAnew) {
  database_.CutConnections();
  AwaitMissed(2);
  ASSERT_TRUE(Announce(*store_, "after").ok());
  EXPECT_THAT(AwaitHeard(1), ::testing::ElementsAre("topic/after"));
}

}  // namespace
}  // namespace gradus::store
