// SPDX-License-Identifier: Apache-2.0
// Ctrl-C as a wish to stop.
#pragma once

#include <stop_token>

namespace gradus::cli {

// From now on the first SIGINT asks `stop` to stop, and a second one ends the process with status
// 130. Call once, before the process has other threads: they inherit that the signal is blocked.
void TakeInterrupts(std::stop_source stop);

}  // namespace gradus::cli
