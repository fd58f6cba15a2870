// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/engine/collective/group_properties.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/collective/exchange_thread.h"
#include "engine/collective/gather.h"
#include "engine/collective/tree_reduction.h"
#include "tests/unit/engine/collective/shards.h"

namespace gradus::collective {
namespace {

using Transfers = std::vector<std::unique_ptr<Transfer>>;

void Keep(absl::StatusOr<std::unique_ptr<Transfer>> transfer, Transfers& transfers) {
  ASSERT_TRUE(transfer.ok()) << transfer.status();
  transfers.push_back(*std::move(transfer));
}

void WaitFor(Transfers& transfers) {
  for (const auto& transfer : transfers) ASSERT_EQ(transfer->Wait(), absl::OkStatus());
  transfers.clear();
}

// Bytes that say who sends them to whom.
std::vector<std::byte> Message(int from, int to, size_t size) {
  std::vector<std::byte> bytes(size);
  for (size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::byte>(i * 7 + i / 251 + 31 * from + to);
  return bytes;
}

void MovesBytesBetweenAllRanks(Group& group) {
  for (const size_t size : {size_t{1}, size_t{63}, (size_t{1} << 20) + 7, size_t{9} << 20}) {
    std::vector<std::vector<std::byte>> sent;
    std::vector<std::vector<std::byte>> received(static_cast<size_t>(group.size()));
    Transfers transfers;
    for (int peer = 0; peer < group.size(); ++peer) {
      sent.push_back(Message(group.rank(), peer, size));
      if (peer == group.rank()) continue;
      auto& place = received[static_cast<size_t>(peer)];
      place.resize(size);
      Keep(group.Receive(peer, 4, place), transfers);
    }
    for (int peer = 0; peer < group.size(); ++peer)
      if (peer != group.rank())
        Keep(group.Send(peer, 4, sent[static_cast<size_t>(peer)]), transfers);
    WaitFor(transfers);
    for (int peer = 0; peer < group.size(); ++peer) {
      if (peer == group.rank()) continue;
      EXPECT_TRUE(received[static_cast<size_t>(peer)] == Message(peer, group.rank(), size))
          << size << " bytes of rank " << peer;
    }
  }
}

// Also where they are sent before anybody awaits them.
void KeepsTheOrderOfAChannel(Group& group) {
  constexpr int kMessages = 50;
  const int to = (group.rank() + 1) % group.size();
  const int from = (group.rank() + group.size() - 1) % group.size();
  if (group.size() == 1) return;
  std::array<int, kMessages> sent;
  std::array<int, kMessages> received{};
  Transfers transfers;
  for (int i = 0; i < kMessages; ++i) {
    sent[static_cast<size_t>(i)] = 1000 * group.rank() + i;
    Keep(group.Send(to, 1, std::as_bytes(std::span(sent).subspan(static_cast<size_t>(i), 1))),
         transfers);
  }
  for (int i = 0; i < kMessages; ++i) {
    Keep(group.Receive(
             from, 1,
             std::as_writable_bytes(std::span(received).subspan(static_cast<size_t>(i), 1))),
         transfers);
  }
  WaitFor(transfers);
  for (int i = 0; i < kMessages; ++i) EXPECT_EQ(received[static_cast<size_t>(i)], 1000 * from + i);
}

void ChannelsDoNotWaitForEachOther(Group& group) {
  const int to = (group.rank() + 1) % group.size();
  const int from = (group.rank() + group.size() - 1) % group.size();
  if (group.size() == 1) return;
  const auto first = Message(group.rank(), to, 100);
  const auto second = Message(group.rank(), to, 200);
  std::vector<std::byte> one(100);
  std::vector<std::byte> two(200);
  Transfers transfers;
  Keep(group.Send(to, 1, first), transfers);
  Keep(group.Send(to, 2, second), transfers);
  Transfers later;
  Keep(group.Receive(from, 2, two), later);
  WaitFor(later);
  Keep(group.Receive(from, 1, one), transfers);
  WaitFor(transfers);
  EXPECT_EQ(one, Message(from, group.rank(), 100));
  EXPECT_EQ(two, Message(from, group.rank(), 200));
}

void RefusesWhatIsNoMessage(Group& group) {
  std::array<std::byte, 4> bytes{};
  const std::span<std::byte> none;
  EXPECT_EQ(group.Send(group.rank(), 0, bytes).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(group.Send(group.size(), 0, bytes).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(group.Receive(-1, 0, bytes).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(group.Receive((group.rank() + 1) % group.size(), 0, none).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// Small pieces, so that a stretch has several, and their slices odd ends.
TreeReduction::Options InPieces(bool bfloat16) {
  return {.bfloat16 = bfloat16, .channel = 10, .piece_floats = 300};
}

void SumsHaveTheBitsOfTheTree(Group& group) {
  for (const int shards : {1, 2, 4, 8}) {
    const auto trees = Subtrees::Create(shards, group.size());
    if (!trees.ok()) continue;  // more ranks than shards
    TreeReduction reduction(group, *trees, InPieces(false));
    for (const size_t length : {0, 1, 15, 16, 17, 299, 300, 301, 1000, 4099}) {
      std::vector<float> sum = SumOf(trees->of(group.rank()), length);
      ASSERT_EQ(reduction.Reduce(sum), absl::OkStatus());
      EXPECT_TRUE(SameBits(sum, SumOf({.begin = 0, .end = shards}, length)))
          << shards << " shards of " << length;
    }
  }
}

void StretchesMayBeUnderWayTogether(Group& group) {
  const auto trees = Subtrees::Create(8, group.size());
  ASSERT_TRUE(trees.ok());
  TreeReduction reduction(group, *trees, InPieces(false));
  std::vector<std::vector<float>> sums;
  for (size_t length = 1; length < 4000; length = 3 * length + 1)
    sums.push_back(SumOf(trees->of(group.rank()), length));
  for (auto& sum : sums) ASSERT_EQ(reduction.Add(sum), absl::OkStatus());
  while (reduction.pending()) ASSERT_EQ(reduction.Advance(), absl::OkStatus());
  for (const auto& sum : sums)
    EXPECT_TRUE(SameBits(sum, SumOf({.begin = 0, .end = 8}, sum.size()))) << sum.size();
}

void RoundedSumsAreTheSameEverywhere(Group& group) {
  const auto trees = Subtrees::Create(8, group.size());
  ASSERT_TRUE(trees.ok());
  TreeReduction reduction(group, *trees, InPieces(true));
  std::vector<float> sum = SumOf(trees->of(group.rank()), 1000);
  ASSERT_EQ(reduction.Reduce(sum), absl::OkStatus());
  const std::vector<float> exact = SumOf({.begin = 0, .end = 8}, sum.size());
  const std::vector<float> sizes = SumOfSizes({.begin = 0, .end = 8}, sum.size());
  // Of each part and of the sum 2^-8 is lost at most.
  for (size_t i = 0; i < sum.size(); ++i)
    EXPECT_LE(std::abs(sum[i] - exact[i]), sizes[i] / 127) << i;
  std::vector<float> all(sum.size() * static_cast<size_t>(group.size()));
  const std::vector<size_t> lengths(static_cast<size_t>(group.size()), sum.size() * sizeof(float));
  ASSERT_EQ(AllGather(group, 20, std::as_bytes(std::span(sum)), lengths,
                      std::as_writable_bytes(std::span(all))),
            absl::OkStatus());
  for (size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], sum[i % sum.size()]) << i;
}

void GathersBlocksOfAnyLength(Group& group) {
  std::vector<size_t> lengths;
  size_t total = 0;
  for (int rank = 0; rank < group.size(); ++rank) {
    lengths.push_back(static_cast<size_t>(rank * 1000) % 2048);
    total += lengths.back();
  }
  std::vector<std::byte> all(total);
  ASSERT_EQ(
      AllGather(group, 20, Message(group.rank(), 0, lengths[static_cast<size_t>(group.rank())]),
                lengths, all),
      absl::OkStatus());
  size_t at = 0;
  for (int rank = 0; rank < group.size(); ++rank) {
    const auto block = Message(rank, 0, lengths[static_cast<size_t>(rank)]);
    EXPECT_TRUE(std::equal(block.begin(), block.end(), all.begin() + static_cast<ptrdiff_t>(at)));
    at += block.size();
  }
}

void BroadcastsFromAnyRank(Group& group) {
  for (int root = 0; root < group.size(); ++root) {
    std::vector<int> others;
    for (int rank = 0; rank < group.size(); ++rank) {
      if (rank != root) others.push_back(rank);
    }
    for (const size_t size : {size_t{0}, size_t{5}, size_t{9} << 20}) {
      std::string value = "to be replaced";
      const std::string text(size, static_cast<char>('a' + root));
      if (group.rank() == root) value = text;
      ASSERT_EQ(Broadcast(group, 20, root, others, size, value), absl::OkStatus());
      EXPECT_TRUE(value == text);
    }
  }
}

// In each step in another order, by two threads.
void ExchangesStepsWhileTheyAreComputed(Group& group) {
  constexpr size_t kStretches = 6;
  const auto trees = Subtrees::Create(8, group.size());
  ASSERT_TRUE(trees.ok());
  ExchangeThread exchange(group, *trees, {.piece_floats = 300});
  const std::vector<size_t> lengths(static_cast<size_t>(group.size()), sizeof(int));
  for (int step = 0; step < 20; ++step) {
    std::vector<std::vector<float>> sums;
    for (size_t i = 0; i < kStretches; ++i)
      sums.push_back(SumOf(trees->of(group.rank()), 100 + 200 * i));
    exchange.Begin(kStretches);
    const auto add = [&](size_t first, size_t last) {
      for (size_t i = first; i < last; ++i) {
        const size_t number = (i * 5 + static_cast<size_t>(step)) % kStretches;
        exchange.Add(static_cast<int>(number), sums[number]);
      }
    };
    std::thread other(add, kStretches / 2, kStretches);
    add(0, kStretches / 2);
    other.join();
    const int own = 100 * step + group.rank();
    std::vector<int> all(lengths.size());
    ASSERT_EQ(exchange.Finish(std::as_bytes(std::span(&own, 1)), lengths,
                              std::as_writable_bytes(std::span(all))),
              absl::OkStatus());
    for (const auto& sum : sums)
      ASSERT_TRUE(SameBits(sum, SumOf({.begin = 0, .end = 8}, sum.size()))) << sum.size();
    for (size_t rank = 0; rank < all.size(); ++rank)
      ASSERT_EQ(all[rank], 100 * step + static_cast<int>(rank));
    EXPECT_GT(exchange.times().exchanging.count(), 0);
  }
}

void AbortEndsWaits(Group& group) {
  if (group.size() == 1) return;
  std::array<std::byte, 100> bytes;
  const int peer = (group.rank() + 1) % group.size();
  auto transfer = group.Receive(peer, 9, bytes);
  std::thread other([&] { group.Abort(); });
  absl::Status status = transfer.status();
  if (transfer.ok()) status = (*transfer)->Wait();
  other.join();
  // Another rank may have been first.
  EXPECT_TRUE(absl::IsAborted(status) || absl::IsUnavailable(status)) << status;
  if (transfer.ok()) {
    EXPECT_FALSE((*transfer)->Wait().ok());
  }
  EXPECT_FALSE(group.Send(peer, 9, bytes).ok());
}

constexpr GroupProperty kProperties[] = {
    {"MovesBytesBetweenAllRanks", MovesBytesBetweenAllRanks},
    {"KeepsTheOrderOfAChannel", KeepsTheOrderOfAChannel},
    {"ChannelsDoNotWaitForEachOther", ChannelsDoNotWaitForEachOther},
    {"RefusesWhatIsNoMessage", RefusesWhatIsNoMessage},
    {"SumsHaveTheBitsOfTheTree", SumsHaveTheBitsOfTheTree},
    {"StretchesMayBeUnderWayTogether", StretchesMayBeUnderWayTogether},
    {"RoundedSumsAreTheSameEverywhere", RoundedSumsAreTheSameEverywhere},
    {"GathersBlocksOfAnyLength", GathersBlocksOfAnyLength},
    {"BroadcastsFromAnyRank", BroadcastsFromAnyRank},
    {"ExchangesStepsWhileTheyAreComputed", ExchangesStepsWhileTheyAreComputed},
};
constexpr GroupProperty kLast[] = {{"AbortEndsWaits", AbortEndsWaits}};

}  // namespace

std::span<const GroupProperty> GroupProperties() { return kProperties; }
std::span<const GroupProperty> LastProperties() { return kLast; }

}  // namespace gradus::collective
