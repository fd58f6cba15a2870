// SPDX-License-Identifier: Apache-2.0
// The end of a process that does not come to its end.
#pragma once

#include <cstdint>
#include <thread>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"

namespace gradus::server {

// Ends the process (status 0, with a line in the log) unless it is destroyed within the time. For
// the last part of a stop: a call that runs on by itself (an upload that is being parsed, a disk
// that hangs) must not hold it up, and nothing that was acknowledged is lost by a sudden end.
//   Owns     a thread. The clock must outlive it.
class ExitTimer {
 public:
  ExitTimer(base::Clock& clock, int64_t within_micros);
  ~ExitTimer();
  ExitTimer(const ExitTimer&) = delete;
  ExitTimer& operator=(const ExitTimer&) = delete;

 private:
  base::Mutex mu_;
  base::CondVar changed_;
  bool disarmed_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace gradus::server
