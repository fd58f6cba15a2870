// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/queue.h"

#include <algorithm>

namespace gradus::jobs {

bool Fits(const Demand& demand, int32_t workers, const Supply& supply) {
  return int64_t{demand.cores} * workers <= supply.cores &&
         demand.memory <= supply.memory / std::max(workers, 1);
}

Queue::Size Queue::SizeOf(const Demand& demand) {
  return {int64_t{demand.cores} * demand.min_workers, demand.min_workers};
}

void Queue::Put(const Demand& demand) {
  if (const auto known = by_id_.find(demand.id); known != by_id_.end()) Erase(known->second);
  const Order order{demand.priority, demand.number};
  by_id_.insert_or_assign(demand.id, order);
  const Demand& kept = order_.emplace(order, demand).first->second;
  Alike& alike = sizes_[SizeOf(kept)];
  alike.jobs.emplace(order, &kept);
  alike.memories.insert(kept.memory);
}

void Queue::Remove(const std::string& id) {
  const auto known = by_id_.find(id);
  if (known == by_id_.end()) return;
  Erase(known->second);
  by_id_.erase(known);
  overtaken_since_.erase(id);
}

void Queue::Erase(const Order& order) {
  const auto job = order_.find(order);
  const auto size = sizes_.find(SizeOf(job->second));
  Alike& alike = size->second;
  alike.jobs.erase(order);
  alike.memories.erase(alike.memories.find(job->second.memory));
  if (alike.jobs.empty()) sizes_.erase(size);
  order_.erase(job);
}

const Demand* Queue::FirstThatFits(const Alike& alike, const Supply& free) {
  const Demand& any = *alike.jobs.begin()->second;
  const Demand least = {.cores = any.cores, .memory = *alike.memories.begin()};
  if (!Fits(least, any.min_workers, free)) return nullptr;
  for (const auto& [order, demand] : alike.jobs) {
    ++looks_;
    if (Fits(*demand, demand->min_workers, free)) return demand;
  }
  return nullptr;
}

std::optional<Demand> Queue::Next(const Supply& free, int64_t now_micros) {
  if (order_.empty() || free.cores <= 0) return std::nullopt;
  ++looks_;
  const Demand& first = order_.begin()->second;
  if (Fits(first, first.min_workers, free)) return first;
  const auto overtaken = overtaken_since_.find(first.id);
  if (overtaken != overtaken_since_.end() && now_micros - overtaken->second >= kPatienceMicros)
    return std::nullopt;
  const Demand* next = nullptr;
  for (const auto& [size, alike] : sizes_) {
    ++looks_;
    if (size.cores > free.cores) break;
    const Demand* const one = FirstThatFits(alike, free);
    if (one == nullptr) continue;
    if (next == nullptr || Order{one->priority, one->number} < Order{next->priority, next->number})
      next = one;
  }
  if (next == nullptr) return std::nullopt;
  overtaken_since_.emplace(first.id, now_micros);
  return *next;
}

}  // namespace gradus::jobs
