// SPDX-License-Identifier: Apache-2.0
// The walls around the processes that handle what tenants bring: uploads, models.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

namespace gradus::worker {

struct SandboxLimits {
  int64_t memory_bytes = 0;  // address space
  int64_t cpu_seconds = 0;
  int64_t file_bytes = 0;  // a file may not grow beyond
};

// From here on this process has these limits, gains no privileges, dies with the thread that
// started it, leaves no core, and may do nothing but read and write what is open, take memory, and
// end itself: another system call ends it (SIGSYS). Under a sanitizer, which needs more, there are
// no limit on memory and no filter of calls. REQUIRES: one thread.
absl::Status EnterSandbox(const SandboxLimits& limits);

// The same filter and no more privileges for all threads there are; limits stay as they are, and
// nothing more can be started or opened. For a process that goes on for long.
absl::Status CloseSandbox();

}  // namespace gradus::worker
