// SPDX-License-Identifier: Apache-2.0
// Strands keep their order and their exclusiveness, and a busy one does not stop the others.
#include "server/api/work_pool.h"

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>

#include "gtest/gtest.h"

namespace gradus::api {
namespace {

TEST(WorkPool, RunsEverythingPostedBeforeItEnds) {
  std::atomic<int> ran = 0;
  {
    WorkPool pool(2);
    for (int i = 0; i < 1000; ++i) pool.Post([&] { ++ran; });
  }
  EXPECT_EQ(ran, 1000);
}

TEST(WorkPool, ADelayedTaskRunsNotBeforeItsTimeAndOvertakesALaterOne) {
  using std::chrono::milliseconds;
  const auto start = std::chrono::steady_clock::now();
  std::vector<int> order;
  std::latch done(1);
  WorkPool pool(1);
  pool.PostAfter(milliseconds(60), [&] {
    order.push_back(2);
    EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(60));
    done.count_down();
  });
  pool.PostAfter(milliseconds(20), [&] {
    order.push_back(1);
    EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(20));
  });
  pool.Post([&] { order.push_back(0); });
  done.wait();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(WorkPool, WhatIsStillDelayedAtTheEndIsDropped) {
  std::atomic<bool> ran = false;
  {
    WorkPool(2).PostAfter(std::chrono::hours(1), [&] { ran = true; });
  }
  EXPECT_FALSE(ran);
}

TEST(Strand, RunsItsTasksInOrderOneAtATime) {
  std::vector<int> order;  // unguarded on purpose: a race shows under the thread sanitizer
  {
    WorkPool pool(4);
    auto strand = std::make_shared<Strand>(pool);
    std::latch done(1);
    for (int i = 0; i < 2000; ++i) strand->Post([&order, strand, i] { order.push_back(i); });
    strand->Post([&done, strand] { done.count_down(); });
    done.wait();
  }
  ASSERT_EQ(order.size(), 2000U);
  for (int i = 0; i < 2000; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(Strand, ABusyStrandLeavesRoomForOthers) {
  std::atomic<bool> stop = false;
  std::latch reached(1);
  std::latch ended(1);
  WorkPool pool(1);
  auto busy = std::make_shared<Strand>(pool);
  auto other = std::make_shared<Strand>(pool);
  std::function<void()> again = [&, busy] {
    if (stop) {
      ended.count_down();
    } else {
      busy->Post(again);
    }
  };
  busy->Post(again);
  other->Post([&, other] { reached.count_down(); });
  reached.wait();
  stop = true;
  ended.wait();
}

TEST(Strand, TheLastTaskMayBeWhatKeepsItAlive) {
  auto pool = std::make_unique<WorkPool>(2);
  for (int i = 0; i < 500; ++i) {
    auto strand = std::make_shared<Strand>(*pool);
    strand->Post([strand] {});
  }
  pool.reset();
}

}  // namespace
}  // namespace gradus::api
