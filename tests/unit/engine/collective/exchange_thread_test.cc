// SPDX-License-Identifier: Apache-2.0
// A step whose group breaks ends with the reason, and can be given up at any time. What a step that
// goes well gives is a property of every group (group_properties.cc).
#include "engine/collective/exchange_thread.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/unit/engine/collective/ranks.h"

namespace gradus::collective {
namespace {

absl::Status FinishWithoutBlocks(ExchangeThread& exchange, const Group& group) {
  const std::vector<size_t> none(static_cast<size_t>(group.size()));
  return exchange.Finish({}, none, {});
}

Subtrees TreesOf(const Group& group) { return *Subtrees::Create(4, group.size()); }

TEST(ExchangeThread, FinishSaysWhatHasFailed) {
  WithRanks(2, [](Group& group) {
    if (group.rank() == 1) return;
    ExchangeThread exchange(group, TreesOf(group), {});
    std::vector<float> sum(100'000);
    for (int step = 0; step < 3; ++step) {
      exchange.Begin(2);
      exchange.Add(1, sum);
      exchange.Add(0, sum);
      EXPECT_TRUE(absl::IsUnavailable(FinishWithoutBlocks(exchange, group))) << step;
    }
  });
}

TEST(ExchangeThread, AStepUnderWayCanBeGivenUp) {
  WithRanks(2, [](Group& group) {
    std::vector<float> sum(100'000);
    std::optional<ExchangeThread> exchange;
    exchange.emplace(group, TreesOf(group), ExchangeThread::Options{});
    exchange->Begin(2);
    exchange->Add(0, sum);
    if (group.rank() == 0) {
      exchange.reset();
      EXPECT_TRUE(absl::IsAborted(group.Send(1, 0, std::as_bytes(std::span(sum))).status()));
      return;
    }
    exchange->Add(1, sum);
    EXPECT_TRUE(absl::IsUnavailable(FinishWithoutBlocks(*exchange, group)));
  });
}

TEST(ExchangeThread, AStepMayBeOfBlocksAlone) {
  WithRanks(3, [](Group& group) {
    ExchangeThread exchange(group, TreesOf(group), {});
    const std::vector<size_t> sizes = {1, 1, 1};
    for (int step = 0; step < 10; ++step) {
      exchange.Begin(0);
      const auto own = static_cast<std::byte>(10 * step + group.rank());
      std::vector<std::byte> all(3);
      ASSERT_EQ(exchange.Finish(std::span(&own, 1), sizes, all), absl::OkStatus());
      for (int rank = 0; rank < 3; ++rank)
        EXPECT_EQ(all[static_cast<size_t>(rank)], static_cast<std::byte>(10 * step + rank));
    }
  });
}

}  // namespace
}  // namespace gradus::collective
