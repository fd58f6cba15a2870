// SPDX-License-Identifier: Apache-2.0
// gradus-worker: one rank of one job, with `parse` the child that parses uploads, or with `serve`
// the one that answers with a model. Started by the server or, with `rank-stdin`, by Slurm for it,
// never by hand.
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string_view>

#include "engine/base/cpu.h"
#include "engine/base/file_ops.h"
#include "engine/base/log.h"
#include "server/worker/config.h"
#include "server/worker/parse.h"
#include "server/worker/private_folder.h"
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

// Where nobody has prepared a place for the rank.
enum class Folder { kGiven, kOwn };

int RunAsRank(int config_descriptor, Folder folder) {
  using namespace gradus;
  std::signal(SIGPIPE, SIG_IGN);
  SetThreadStacks();
  static trainer::Control control;
  worker::StopOnSignals(control);
  const absl::StatusOr<v1::WorkerConfig> config = worker::ReadConfig(config_descriptor);
  if (!config.ok()) {
    base::LogError("the rank has no configuration", {{"error", config.status()}});
    return 2;
  }
  if (folder == Folder::kOwn) {
    const absl::Status made = worker::MakePrivateFolder(config->work_dir());
    if (!made.ok()) {
      base::LogError("the rank has no place for its files", {{"error", made}});
      return 1;
    }
  }
  const std::vector<int> cpus(config->cpus().begin(), config->cpus().end());
  if (!cpus.empty()) {
    const absl::Status pinned = base::PinThisThread(cpus);
    if (!pinned.ok()) base::LogWarning("not pinned to the given processors", {{"error", pinned}});
  }
  const absl::Status status =
      worker::RunRank(*config, {.channels = worker::TlsChannels(config->profile())}, control);
  if (!status.ok()) base::LogError("the rank was given up", {{"error", status}});
  if (folder == Folder::kOwn) base::RemoveTree(base::RealFiles(), config->work_dir()).IgnoreError();
  return status.ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "parse") gradus::worker::RunParse();
  if (argc == 2 && std::string_view(argv[1]) == "serve") gradus::worker::RunServe();
  const bool from_stdin = argc == 2 && std::string_view(argv[1]) == "rank-stdin";
  if (argc > 1 && !from_stdin) {
    std::fputs(
        "gradus-worker is started by gradusd, with its configuration on descriptor 3, or by Slurm "
        "with `rank-stdin`\n",
        stderr);
    return 2;
  }
  // Everything is stored at the server by now: tearing threads and libraries down would only take
  // time.
  // What is read is closed; standard input stays what it is.
  const int status =
      from_stdin
          ? RunAsRank(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, kConfigDescriptor), Folder::kOwn)
          : RunAsRank(kConfigDescriptor, Folder::kGiven);
  std::fflush(nullptr);
  _exit(status);
}
