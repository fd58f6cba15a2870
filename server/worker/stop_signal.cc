// SPDX-License-Identifier: Apache-2.0
// A thread in sigwait: nothing runs in a signal handler.
#include "server/worker/stop_signal.h"

#include <pthread.h>

#include <csignal>
#include <thread>

#include "engine/base/log.h"

namespace gradus::worker {

void StopOnSignals(trainer::Control& control) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals, &control] {
    while (true) {
      int signal = 0;
      if (sigwait(&signals, &signal) != 0) continue;
      base::LogInfo("asked to stop by a signal", {{"signal", signal}});
      control.RequestStop();
    }
  }).detach();
}

}  // namespace gradus::worker
