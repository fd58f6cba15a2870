// SPDX-License-Identifier: Apache-2.0
// Blocks of bytes from each rank to all, and from one rank to all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/collective/group.h"

namespace gradus::collective {

// One block of each rank on its way to all.
//   Owns     nothing: `all` is borrowed until Wait has returned or this is destroyed.
//   Threads  the group's.
class Gather {
 public:
  // Copies `own` to its place in `all`, in which the blocks lie in order of their ranks, and begins
  // to exchange them. sizes[r] is the length of rank r's block, 0 or more, the same list on all.
  // REQUIRES: sizes has an entry a rank, `own` the size of this rank's, `all` that of all.
  static absl::StatusOr<Gather> Begin(Group& group, uint32_t channel,
                                      std::span<const std::byte> own, std::span<const size_t> sizes,
                                      std::span<std::byte> all);
  // Until all blocks are there and this rank's has been sent.
  absl::Status Wait();

 private:
  std::vector<std::unique_ptr<Transfer>> transfers_;
};

// Begin and Wait.
absl::Status AllGather(Group& group, uint32_t channel, std::span<const std::byte> own,
                       std::span<const size_t> sizes, std::span<std::byte> all);

// Gives `value` as rank `root` has it to the ranks `to`, which call this, too; only the root knows
// how long it is.
//   Errors   RESOURCE_EXHAUSTED when it has more than `most` bytes: at the root before anything is
//            sent, else before memory is taken. The group cannot go on after any error here.
absl::Status Broadcast(Group& group, uint32_t channel, int root, std::span<const int> to,
                       size_t most, std::string& value);

}  // namespace gradus::collective
