// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/machine.h"

namespace gradus::jobs {

Machine::Machine() : limited_(false), memory_(0) {}

Machine::Machine(const std::vector<int>& cpus, int64_t memory_bytes)
    : limited_(true), all_(cpus.begin(), cpus.end()), free_(all_), memory_(memory_bytes) {}

Supply Machine::free() const {
  if (!limited_) return {INT32_MAX, INT64_MAX};
  return {static_cast<int32_t>(free_.size()), memory_};
}

std::optional<std::vector<int>> Machine::Take(int32_t cores, int64_t memory_bytes) {
  if (!limited_) return std::vector<int>();
  if (cores > static_cast<int32_t>(free_.size()) || memory_bytes > memory_) return std::nullopt;
  std::vector<int> taken;
  while (static_cast<int32_t>(taken.size()) < cores)
    taken.push_back(free_.extract(free_.begin()).value());
  memory_ -= memory_bytes;
  return taken;
}

void Machine::TakeThese(const std::vector<int>& cpus, int64_t memory_bytes) {
  for (const int cpu : cpus) free_.erase(cpu);
  memory_ -= memory_bytes;
}

void Machine::Give(const std::vector<int>& cpus, int64_t memory_bytes) {
  for (const int cpu : cpus) {
    if (all_.contains(cpu)) free_.insert(cpu);
  }
  memory_ += memory_bytes;
}

}  // namespace gradus::jobs
