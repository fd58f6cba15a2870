// SPDX-License-Identifier: Apache-2.0
// A short-lived helper process: a question in, an answer out, a time limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"

namespace gradus::registry {

struct ChildSpec {
  std::string program;
  std::string argument;      // its only one
  std::string request;       // readable on file descriptor 3
  std::vector<int> fds;      // become 4, 5, ... there; borrowed
  int64_t limit_micros = 0;  // then SIGKILL
  size_t max_answer = 8 << 20;
};

// The first descriptor of ChildSpec::fds in the child.
inline constexpr int kFirstChildFd = 4;

// Runs it to its end in a process group of its own, with an empty environment and no other
// descriptors than /dev/null, two pipes and those above. Returns what it wrote to standard output;
// the beginning of what it wrote to standard error is logged.
//   Threads  any; blocks.
//   Errors   INTERNAL when it could not be started, did not exit with 0, answered too much or took
//   too long: the message says which.
absl::StatusOr<std::string> RunChild(base::Clock& clock, const ChildSpec& spec);

}  // namespace gradus::registry
