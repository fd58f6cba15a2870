// SPDX-License-Identifier: Apache-2.0
// How jobs that run and jobs that wait share a machine's places: the rules, without clock, thread
// or store.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "server/jobs/queue.h"

namespace gradus::jobs {

// A running job that may have several workers, as far as its places matter.
struct Holding {
  const Demand* demand = nullptr;  // must outlive it
  int32_t workers = 0;             // that it has places for, the leader counted
  int32_t missing = 0;             // that have to be replaced until it has its fewest again
  bool computes = false;           // its workers have met: before, it gives nothing
};

// For how many workers of a job there is room, up to `most`.
int32_t Room(const Demand& demand, int32_t most, const Supply& supply);

// What is kept for members that have to be replaced: a job that has begun goes on first.
Supply Reserved(std::span<const Holding> running);

// Without what is reserved; never less than nothing.
Supply Less(const Supply& free, const Supply& reserved);

// How many places each of `running` gives to the first job that waits: none has to go below its
// fewest workers, the youngest job gives first, nobody more than is needed. All 0 where that job
// does not fit even so, or fits without. `coming`: what it may have already, or soon.
std::vector<int32_t> PlacesToGive(const Demand& first, Supply coming,
                                  std::span<const Holding> running);

}  // namespace gradus::jobs
