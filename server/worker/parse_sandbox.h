// SPDX-License-Identifier: Apache-2.0
// The walls around the parsing process.
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
// started it, leaves no core, and may do nothing but read and write what is open, and take memory:
// another system call ends it (SIGSYS). Under a sanitizer, which needs more, there are no limit on
// memory and no filter of calls. REQUIRES: one thread.
absl::Status EnterSandbox(const SandboxLimits& limits);

}  // namespace gradus::worker
