// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/queue.h"

#include <algorithm>

namespace gradus::jobs {

bool Fits(const Demand& demand, int32_t workers, const Supply& supply) {
  return int64_t{demand.cores} * workers <= supply.cores &&
         demand.memory <= supply.memory / std::max(workers, 1);
}

void Queue::Put(const Demand& demand) {
  const Order order{demand.priority, demand.number};
  if (const auto known = by_id_.find(demand.id); known != by_id_.end()) order_.erase(known->second);
  by_id_.insert_or_assign(demand.id, order);
  order_.insert_or_assign(order, demand);
}

void Queue::Remove(const std::string& id) {
  const auto known = by_id_.find(id);
  if (known == by_id_.end()) return;
  order_.erase(known->second);
  by_id_.erase(known);
  overtaken_since_.erase(id);
}

std::optional<Demand> Queue::Next(const Supply& free, int64_t now_micros) {
  if (order_.empty() || free.cores <= 0) return std::nullopt;
  const Demand& first = order_.begin()->second;
  if (Fits(first, first.min_workers, free)) return first;
  const auto overtaken = overtaken_since_.find(first.id);
  if (overtaken != overtaken_since_.end() && now_micros - overtaken->second >= kPatienceMicros)
    return std::nullopt;
  for (const auto& [order, demand] : order_) {
    if (!Fits(demand, demand.min_workers, free)) continue;
    overtaken_since_.emplace(first.id, now_micros);
    return demand;
  }
  return std::nullopt;
}

}  // namespace gradus::jobs
