// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/places.h"

#include <algorithm>
#include <functional>

namespace gradus::jobs {

int32_t Room(const Demand& demand, int32_t most, const Supply& supply) {
  int64_t room = most;
  if (demand.cores > 0) room = std::min<int64_t>(room, supply.cores / demand.cores);
  if (demand.memory > 0) room = std::min(room, supply.memory / demand.memory);
  return static_cast<int32_t>(std::max<int64_t>(0, room));
}

Supply Reserved(std::span<const Holding> running) {
  int64_t cores = 0;
  int64_t memory = 0;
  for (const Holding& job : running) {
    cores += int64_t{job.demand->cores} * job.missing;
    memory += job.demand->memory * job.missing;
  }
  return {static_cast<int32_t>(std::min<int64_t>(cores, INT32_MAX)), memory};
}

Supply Less(const Supply& free, const Supply& reserved) {
  return {std::max(0, free.cores - reserved.cores),
          std::max<int64_t>(0, free.memory - reserved.memory)};
}

std::vector<int32_t> PlacesToGive(const Demand& first, Supply coming,
                                  std::span<const Holding> running) {
  std::vector<int32_t> given(running.size(), 0);
  const auto fits = [&] { return Fits(first, first.min_workers, coming); };
  std::vector<size_t> youngest_first;
  for (size_t i = 0; i < running.size(); ++i) {
    const bool has_spare = running[i].workers > running[i].demand->min_workers;
    if (running[i].computes && has_spare) youngest_first.push_back(i);
  }
  std::ranges::sort(youngest_first, std::greater(),
                    [&](size_t i) { return running[i].demand->number; });
  for (const size_t i : youngest_first) {
    const Demand& demand = *running[i].demand;
    while (!fits() && running[i].workers - given[i] > demand.min_workers) {
      ++given[i];
      coming.cores += demand.cores;
      coming.memory += demand.memory;
    }
  }
  if (!fits()) std::ranges::fill(given, 0);
  return given;
}

}  // namespace gradus::jobs
