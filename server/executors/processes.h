// SPDX-License-Identifier: Apache-2.0
// Finding and ending a rank's processes, its own and those that it started, by the mark in their
// environment.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/descriptor.h"
#include "server/executors/executor.h"

namespace gradus::executors {

// A rank's processes all carry kMark "=STORE/JOB/ATTEMPT/FENCE"; children inherit it, whatever
// group or session they put themselves in.
inline constexpr char kMark[] = "GRADUS_RANK";

std::string MarkOf(const std::string& store_id, const RankKey& key);
// Nothing for another store's mark, or what is none.
std::optional<RankKey> ParseMark(std::string_view mark, const std::string& store_id);

struct MarkedProcess {
  pid_t pid = 0;
  uint64_t start_time = 0;  // clock ticks since boot: with the pid it names a process for ever
  bool leads_group = false;
  RankKey key;
};

// The living processes that carry a mark of this store, as far as this user may see.
std::vector<MarkedProcess> FindMarked(const std::string& store_id);

// Kills what carries this rank's mark, and waits until it is gone (at most a few seconds).
void KillMarked(const std::string& store_id, const RankKey& key);

// "PID:START_TIME".
std::string HandleOf(pid_t pid);

// A descriptor that becomes readable when the process has ended; invalid when there is none.
base::Descriptor OpenProcess(pid_t pid);
// Whether it has ended, without waiting.
bool HasEnded(const base::Descriptor& process);

}  // namespace gradus::executors
