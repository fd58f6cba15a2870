// SPDX-License-Identifier: Apache-2.0
// gradus-worker: one rank of one job, with `parse` the child that parses uploads, or with `serve`
// the one that answers with a model. Started by the server, never by hand.
#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string_view>

#include "engine/base/cpu.h"
#include "engine/base/log.h"
#include "server/worker/config.h"
#include "server/worker/parse.h"
#include "server/worker/rank.h"
#include "server/worker/serve.h"
#include "server/worker/stop_signal.h"

namespace {

constexpr int kConfigDescriptor = 3;
// The memory limit counts stacks by their size, not by their use.
constexpr size_t kStackBytes = size_t{1} << 20;

void SetThreadStacks() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}

int RunAsRank() {
  using namespace gradus;
  std::signal(SIGPIPE, SIG_IGN);
  SetThreadStacks();
  static trainer::Control control;
  worker::StopOnSignals(control);
  const absl::StatusOr<v1::WorkerConfig> config = worker::ReadConfig(kConfigDescriptor);
  if (!config.ok()) {
    base::LogError("no configuration on descriptor 3", {{"error", config.status()}});
    return 2;
  }
  const std::vector<int> cpus(config->cpus().begin(), config->cpus().end());
  if (!cpus.empty()) {
    const absl::Status pinned = base::PinThisThread(cpus);
    if (!pinned.ok()) base::LogWarning("not pinned to the given processors", {{"error", pinned}});
  }
  const absl::Status status =
      worker::RunRank(*config, {.channels = worker::TlsChannels(config->profile())}, control);
  if (!status.ok()) base::LogError("the rank was given up", {{"error", status}});
  return status.ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "parse") gradus::worker::RunParse();
  if (argc == 2 && std::string_view(argv[1]) == "serve") gradus::worker::RunServe();
  if (argc > 1) {
    std::fputs("gradus-worker is started by gradusd, with its configuration on descriptor 3\n",
               stderr);
    return 2;
  }
  // Everything is stored at the server by now: tearing threads and libraries down would only take
  // time.
  const int status = RunAsRank();
  std::fflush(nullptr);
  _exit(status);
}
