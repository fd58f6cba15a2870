// SPDX-License-Identifier: Apache-2.0
#include "server/exit_timer.h"

#include <unistd.h>

#include "engine/base/log.h"

namespace gradus::server {

ExitTimer::ExitTimer(base::Clock& clock, int64_t within_micros)
    : thread_([this, &clock, within_micros] {
        base::MutexLock lock(mu_);
        if (clock.WaitFor(mu_, changed_, within_micros,
                          [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return disarmed_; }))
          return;
        base::LogWarning("calls that would not end are left: stopped");
        _exit(0);
      }) {}

ExitTimer::~ExitTimer() {
  {
    base::MutexLock lock(mu_);
    disarmed_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

}  // namespace gradus::server
