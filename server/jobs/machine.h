// SPDX-License-Identifier: Apache-2.0
// The processors and the memory that jobs share, and who has which.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "server/jobs/queue.h"

namespace gradus::jobs {

// Where there are to be more processors than the machine has, one is known by several numbers, this
// far apart.
inline constexpr int kProcessors = 4096;

// Processors go to one rank at a time, so that ranks never disturb each other.
//   Threads  one (the driver's).
class Machine {
 public:
  // Without limits: ranks get their processors elsewhere.
  Machine();
  Machine(const std::vector<int>& cpus, int64_t memory_bytes);

  Supply free() const;
  // The lowest free processors (none where there are no limits); nothing when there is not enough
  // of either.
  std::optional<std::vector<int>> Take(int32_t cores, int64_t memory_bytes);
  // What a rank from before a restart has already, even where the settings allow less by now.
  void TakeThese(const std::vector<int>& cpus, int64_t memory_bytes);
  void Give(const std::vector<int>& cpus, int64_t memory_bytes);

 private:
  const bool limited_;
  const std::set<int> all_;
  std::set<int> free_;
  int64_t memory_;
};

}  // namespace gradus::jobs
