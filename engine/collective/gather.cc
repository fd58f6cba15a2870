// SPDX-License-Identifier: Apache-2.0
#include "engine/collective/gather.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::collective {
namespace {

using Transfers = std::vector<std::unique_ptr<Transfer>>;

// Small enough for one to be through before somebody takes a rank that waits for it for lost.
constexpr size_t kLongestMessage = size_t{4} << 20;

absl::Status SendAll(Group& group, int peer, uint32_t channel, std::span<const std::byte> bytes,
                     Transfers& transfers) {
  while (!bytes.empty()) {
    const size_t count = std::min(bytes.size(), kLongestMessage);
    ASSIGN_OR_RETURN(auto transfer, group.Send(peer, channel, bytes.first(count)));
    transfers.push_back(std::move(transfer));
    bytes = bytes.subspan(count);
  }
  return absl::OkStatus();
}

absl::Status ReceiveAll(Group& group, int peer, uint32_t channel, std::span<std::byte> bytes,
                        Transfers& transfers) {
  while (!bytes.empty()) {
    const size_t count = std::min(bytes.size(), kLongestMessage);
    ASSIGN_OR_RETURN(auto transfer, group.Receive(peer, channel, bytes.first(count)));
    transfers.push_back(std::move(transfer));
    bytes = bytes.subspan(count);
  }
  return absl::OkStatus();
}

absl::Status WaitAll(Transfers& transfers) {
  for (const auto& transfer : transfers) RETURN_IF_ERROR(transfer->Wait());
  transfers.clear();
  return absl::OkStatus();
}

absl::Status CheckLength(uint64_t length, size_t most) {
  if (length <= most) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("a rank sends ", length, " bytes at once; ", most, " are allowed"));
}

}  // namespace

absl::StatusOr<Gather> Gather::Begin(Group& group, uint32_t channel, std::span<const std::byte> own,
                                     std::span<const size_t> sizes, std::span<std::byte> all) {
  const int ranks = group.size();
  size_t before = 0;
  Gather gather;
  gather.transfers_.reserve(2 * static_cast<size_t>(ranks));
  std::span<std::byte> place;
  for (int rank = 0; rank < ranks; ++rank) {
    const std::span<std::byte> block = all.subspan(before, sizes[static_cast<size_t>(rank)]);
    before += block.size();
    if (rank == group.rank()) {
      place = block;
    } else {
      RETURN_IF_ERROR(ReceiveAll(group, rank, channel, block, gather.transfers_));
    }
  }
  std::copy(own.begin(), own.end(), place.begin());
  for (int i = 1; i < ranks; ++i) {
    RETURN_IF_ERROR(SendAll(group, (group.rank() + i) % ranks, channel, place, gather.transfers_));
  }
  return gather;
}

absl::Status Gather::Wait() { return WaitAll(transfers_); }

absl::Status AllGather(Group& group, uint32_t channel, std::span<const std::byte> own,
                       std::span<const size_t> sizes, std::span<std::byte> all) {
  ASSIGN_OR_RETURN(Gather gather, Gather::Begin(group, channel, own, sizes, all));
  return gather.Wait();
}

absl::Status Broadcast(Group& group, uint32_t channel, int root, std::span<const int> to,
                       size_t most, std::string& value) {
  std::array<uint64_t, 1> length = {value.size()};
  Transfers transfers;
  if (group.rank() == root) {
    RETURN_IF_ERROR(CheckLength(length[0], most));
    for (const int peer : to) {
      RETURN_IF_ERROR(SendAll(group, peer, channel, std::as_bytes(std::span(length)), transfers));
      RETURN_IF_ERROR(SendAll(group, peer, channel, std::as_bytes(std::span(value)), transfers));
    }
    return WaitAll(transfers);
  }
  RETURN_IF_ERROR(
      ReceiveAll(group, root, channel, std::as_writable_bytes(std::span(length)), transfers));
  RETURN_IF_ERROR(WaitAll(transfers));
  RETURN_IF_ERROR(CheckLength(length[0], most));
  value.resize(length[0]);
  RETURN_IF_ERROR(
      ReceiveAll(group, root, channel, std::as_writable_bytes(std::span(value)), transfers));
  return WaitAll(transfers);
}

}  // namespace gradus::collective
