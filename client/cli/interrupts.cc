// SPDX-License-Identifier: Apache-2.0
// A thread that waits for the signal: no handler, so nothing has to be safe in one.
#include "client/cli/interrupts.h"

#include <csignal>
#include <cstdlib>
#include <thread>
#include <utility>

#include <unistd.h>

namespace gradus::cli {

void TakeInterrupts(std::stop_source stop) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals, stop = std::move(stop)]() mutable {
    int signal = 0;
    sigwait(&signals, &signal);
    stop.request_stop();
    sigwait(&signals, &signal);
    _exit(130);
  }).detach();
}

}  // namespace gradus::cli
