// SPDX-License-Identifier: Apache-2.0
// Which of two servers leads, and when that changes.
#include "server/leadership.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "engine/base/files.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_database.h"

namespace gradus::server {
namespace {

class LeadershipTest : public ::testing::Test {
 protected:
  // A server's claim, and what it was told to do.
  struct Server {
    std::unique_ptr<store::Lease> lease;
    std::unique_ptr<Leadership> leadership;
    absl::Status answer;  // of the next beginnings
    int began = 0;
    int ceased = 0;
  };

  void SetUp() override {
    auto store = store::Store::Open({.path = database_.path(),
                                     .url = database_.url(),
                                     .files = &base::RealFiles(),
                                     .clock = &base::RealClock()});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  void Start(Server& server, const std::string& id) {
    server.lease = std::make_unique<store::Lease>(*store_, "lead", id, id + ":1");
    server.leadership =
        std::make_unique<Leadership>(Leadership::Parts{.store = store_.get(),
                                                       .lease = server.lease.get(),
                                                       .clock = &base::RealClock(),
                                                       .id = id,
                                                       .address = id + ":1",
                                                       .lead =
                                                           [this, &server] {
                                                             base::MutexLock lock(mu_);
                                                             ++server.began;
                                                             changed_.SignalAll();
                                                             return server.answer;
                                                           },
                                                       .follow =
                                                           [this, &server] {
                                                             base::MutexLock lock(mu_);
                                                             ++server.ceased;
                                                             changed_.SignalAll();
                                                           }});
    server.leadership->Start();
  }

  void Await(std::function<bool()> condition) {
    base::MutexLock lock(mu_);
    EXPECT_TRUE(changed_.WaitFor(mu_, std::chrono::seconds(20), condition));
  }

  void MakeOthersTake() {
    ASSERT_TRUE(store_
                    ->Write([](store::Tx& tx) {
                      return tx.Execute("UPDATE leases SET holder = 'x', number = number + 1");
                    })
                    .ok());
  }

  test_support::TempDir dir_;
  test_support::TestDatabase database_{dir_ / "gradus.db"};
  std::unique_ptr<store::Store> store_;
  base::Mutex mu_;
  base::CondVar changed_;
  Server a_;
  Server b_;
};

TEST_F(LeadershipTest, TheOtherTakesOverWhenTheFirstGoes) {
  Start(a_, "a");
  Await([&] { return a_.began == 1; });
  Start(b_, "b");
  b_.leadership->Look();
  a_.leadership.reset();
  EXPECT_EQ(a_.ceased, 1);
  b_.leadership->Look();
  Await([&] { return b_.began == 1; });
  EXPECT_EQ(a_.began, 1);
}

TEST_F(LeadershipTest, WhoseLeaseWasTakenCeases) {
  Start(a_, "a");
  Await([&] { return a_.began == 1; });
  MakeOthersTake();
  a_.leadership->Look();
  Await([&] { return a_.ceased == 1; });
}

TEST_F(LeadershipTest, WhatHasLostTrackBeginsAnew) {
  Start(a_, "a");
  Await([&] { return a_.began == 1; });
  a_.leadership->BeginAnew();
  Await([&] { return a_.ceased == 1 && a_.began == 2; });
}

TEST_F(LeadershipTest, WhoCannotBeginLeavesItToOthers) {
  a_.answer = absl::InternalError("cannot");
  Start(a_, "a");
  Await([&] { return a_.ceased > 0; });
  a_.leadership.reset();
  Start(b_, "b");
  Await([&] { return b_.began == 1; });
}

TEST_F(LeadershipTest, WhoAsksNoMoreKeepsWhatItHasAndTakesNothing) {
  Start(a_, "a");
  Await([&] { return a_.began == 1; });
  a_.leadership->NoMore();
  a_.leadership->BeginAnew();
  Await([&] { return a_.ceased == 1; });
  a_.leadership->Look();
  a_.leadership.reset();
  EXPECT_EQ(a_.began, 1);
}

}  // namespace
}  // namespace gradus::server
