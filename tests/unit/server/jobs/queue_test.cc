// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace gradus::jobs {
namespace {

Demand Wants(const std::string& id, int64_t number, int32_t cores, int32_t priority = 0,
             int64_t memory = 1) {
  return {id, priority, number, cores, memory};
}

constexpr Supply kTwoCores{2, 100};

TEST(QueueTest, TheOlderSubmissionComesFirst) {
  Queue queue;
  queue.Put(Wants("b", 2, 1));
  queue.Put(Wants("a", 1, 1));
  EXPECT_EQ(queue.Next(kTwoCores, 0)->id, "a");
}

TEST(QueueTest, AHigherPriorityComesBeforeAge) {
  Queue queue;
  queue.Put(Wants("old", 1, 1, -5));
  queue.Put(Wants("new", 2, 1, 5));
  EXPECT_EQ(queue.Next(kTwoCores, 0)->id, "new");
}

TEST(QueueTest, CoresAndMemoryMustBothBeFree) {
  Queue queue;
  queue.Put(Wants("a", 1, 3));
  EXPECT_FALSE(queue.Next(kTwoCores, 0).has_value());
  queue.Put(Wants("a", 1, 2, 0, 101));
  EXPECT_FALSE(queue.Next(kTwoCores, 0).has_value());
  queue.Put(Wants("a", 1, 2, 0, 100));
  EXPECT_TRUE(queue.Next(kTwoCores, 0).has_value());
}

TEST(QueueTest, ASmallJobMayOvertakeABigOneForAWhile) {
  Queue queue;
  queue.Put(Wants("big", 1, 2));
  queue.Put(Wants("small", 2, 1));
  const Supply one_core{1, 100};
  EXPECT_EQ(queue.Next(one_core, 1000)->id, "small");
  EXPECT_EQ(queue.Next(one_core, 1000 + Queue::kPatienceMicros - 1)->id, "small");
  EXPECT_FALSE(queue.Next(one_core, 1000 + Queue::kPatienceMicros).has_value());
  EXPECT_EQ(queue.Next(kTwoCores, 1000 + Queue::kPatienceMicros)->id, "big");
}

// Small jobs arrive for ever, each running for a while: the big one still starts.
TEST(QueueTest, NoJobStarves) {
  Queue queue;
  queue.Put(Wants("big", 1, 2));
  int64_t now = 0;
  int64_t busy_until[2] = {0, 5'000'000};
  for (int64_t number = 2;; ++number) {
    queue.Put(Wants("small" + std::to_string(number), number, 1));
    now += 1'000'000;
    const int32_t free = (busy_until[0] <= now) + (busy_until[1] <= now);
    const auto next = queue.Next({free, 100}, now);
    if (!next.has_value()) continue;
    if (next->id == "big") break;
    queue.Remove(next->id);
    busy_until[busy_until[0] <= now ? 0 : 1] = now + 10'000'000;
    ASSERT_LT(now, 3 * Queue::kPatienceMicros) << "the big job starves";
  }
  EXPECT_LT(now, 2 * Queue::kPatienceMicros);
}

// A pass ends with a look that finds nothing: what it costs must not grow with the queue.
TEST(QueueTest, WhatDoesNotFitIsNotLookedAtOneByOne) {
  Queue queue;
  for (int64_t number = 1; number <= 10'000; ++number) {
    const auto cores = static_cast<int32_t>(number % 4) + 3;
    queue.Put(Wants("job" + std::to_string(number), number, cores, 0, 50 + number));
  }
  EXPECT_FALSE(queue.Next(kTwoCores, 0).has_value());
  EXPECT_FALSE(queue.Next({4, 40}, 0).has_value());
  EXPECT_LE(queue.looks(), 10);
}

// Of those that fit the oldest starts, whatever its size is.
TEST(QueueTest, TheOldestThatFitsComesFirst) {
  Queue queue;
  queue.Put(Wants("big", 1, 9));
  queue.Put(Wants("hungry", 2, 1, 0, 500));
  queue.Put(Wants("two", 3, 2));
  queue.Put(Wants("one", 4, 1));
  queue.Put(Wants("urgent", 5, 1, 7, 500));
  EXPECT_EQ(queue.Next(kTwoCores, 0)->id, "two");
  EXPECT_EQ(queue.Next({1, 100}, 0)->id, "one");
  EXPECT_EQ(queue.Next({1, 600}, 0)->id, "urgent");
  queue.Remove("urgent");
  EXPECT_EQ(queue.Next({1, 600}, 0)->id, "hungry");
}

TEST(QueueTest, AnEntryIsReplacedNotDoubled) {
  Queue queue;
  queue.Put(Wants("a", 1, 1, 0));
  queue.Put(Wants("a", 1, 1, 7));
  EXPECT_EQ(queue.size(), 1u);
  queue.Put(Wants("a", 1, 2, 7));
  EXPECT_FALSE(queue.Next({1, 100}, 0).has_value());
  EXPECT_TRUE(queue.Next(kTwoCores, 0).has_value());
  queue.Remove("a");
  EXPECT_EQ(queue.size(), 0u);
  queue.Remove("a");
}

}  // namespace
}  // namespace gradus::jobs
