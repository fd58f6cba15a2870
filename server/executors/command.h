// SPDX-License-Identifier: Apache-2.0
// Runs another program to its end: arguments without a shell, an input, bounded outputs, a time
// limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace gradus::executors {

struct Command {
  std::vector<std::string> words;  // the program, looked up in PATH, and its arguments
  std::vector<std::string> environment;
  std::string input;            // on standard input, from memory: it never lies in a file
  int64_t limit_micros = 0;     // then it is killed with its process group
  size_t max_output = 1 << 20;  // of either output; the rest is read and dropped
};

struct CommandEnd {
  int wait_status = 0;
  bool in_time = true;  // false: it was killed at the limit, and nobody knows what it had done
  bool whole = true;    // false: its standard output was longer than max_output
  std::string output;
  std::string errors;

  // Exited with 0, in time, and all it said is here.
  bool ok() const { return wait_status == 0 && in_time && whole; }
};

// Starts it in a process group of its own, in "/", with no other descriptors than the three, and
// waits.
//   Threads  any; blocks for limit_micros at most and a moment.
//   Errors   NOT_FOUND without such a program; what the system says when it could not be started.
//            Nothing was done then.
absl::StatusOr<CommandEnd> RunCommand(const Command& command);

}  // namespace gradus::executors
