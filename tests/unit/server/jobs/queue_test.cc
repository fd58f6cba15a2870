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

TEST(QueueTest, AnEntryIsReplacedNotDoubled) {
  Queue queue;
  queue.Put(Wants("a", 1, 1, 0));
  queue.Put(Wants("a", 1, 1, 7));
  EXPECT_EQ(queue.size(), 1u);
  queue.Remove("a");
  EXPECT_EQ(queue.size(), 0u);
  queue.Remove("a");
}

}  // namespace
}  // namespace gradus::jobs
