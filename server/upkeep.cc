// SPDX-License-Identifier: Apache-2.0
#include "server/upkeep.h"

#include "engine/base/log.h"

namespace gradus::server {

Upkeep::Upkeep(base::Clock& clock, int64_t period_micros, std::vector<Chore> chores)
    : clock_(clock),
      period_micros_(period_micros),
      chores_(std::move(chores)),
      thread_([this] { Run(); }) {}

Upkeep::~Upkeep() {
  {
    base::MutexLock lock(mu_);
    stopping_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

void Upkeep::Run() {
  while (true) {
    for (const auto& [name, chore] : chores_) {
      const absl::Status status = chore();
      if (!status.ok()) base::LogError("upkeep failed", {{"chore", name}, {"error", status}});
    }
    base::MutexLock lock(mu_);
    if (clock_.WaitFor(mu_, changed_, period_micros_,
                       [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_; }))
      return;
  }
}

}  // namespace gradus::server
