// SPDX-License-Identifier: Apache-2.0
// Helper processes: one that lives for a question, an answer and a time limit, or one that stays.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/base/descriptor.h"

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

// A process under way.
struct Child {
  pid_t pid = -1;
  base::Descriptor exit;    // becomes readable when it has ended
  base::Descriptor answer;  // its standard output; reading does not block
  base::Descriptor errors;  // its standard error, likewise
};

// Starts it in a process group of its own, with an empty environment and no other descriptors than
// /dev/null, two pipes and those of the spec.
//   Threads  any.
//   Errors   INTERNAL when it could not be started; UNAVAILABLE or RESOURCE_EXHAUSTED without
//            descriptors or memory for it.
absl::StatusOr<Child> StartChild(const ChildSpec& spec);

// Kills what there is of its group, waits for its end, and logs the beginning of what it wrote to
// standard error. OK when it had exited with 0; else INTERNAL says how it ended.
absl::Status EndChild(const ChildSpec& spec, const Child& child);

// Both, around its answer: returns what it wrote to standard output.
//   Threads  any; blocks.
//   Errors   INTERNAL when it could not be started, did not exit with 0, answered too much or took
//   too long: the message says which.
absl::StatusOr<std::string> RunChild(base::Clock& clock, const ChildSpec& spec);

}  // namespace gradus::registry
