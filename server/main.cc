// SPDX-License-Identifier: Apache-2.0
// gradusd: flags, limits and signals; everything else is made in program.cc.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>

#include "engine/base/log.h"
#include "server/api/server.h"
#include "server/program.h"
#include "server/settings.h"

namespace {

constexpr int kRefused = 1;
constexpr int kUsage = 2;
constexpr rlim_t kWantedFiles = 65'536;

struct Flags {
  std::string data_dir;
  std::string listen;
  std::string config;
  std::string executor;
};

void AddFlags(CLI::App& app, Flags& flags) {
  app.set_version_flag("--version", "gradusd " GRADUS_VERSION);
  app.add_option("--data-dir", flags.data_dir,
                 "folder for everything the server keeps; made when missing")
      ->type_name("DIR");
  app.add_option("--listen", flags.listen,
                 "where to listen (default 127.0.0.1:7077); port 0 picks a free one, DIR/endpoint "
                 "then says which. An address that is not "
                 "loopback demands client certificates")
      ->type_name("HOST:PORT");
  app.add_option("--config", flags.config,
                 "settings as YAML, see ServerConfig in gradus/v1/config.proto; flags go before it")
      ->type_name("FILE");
  app.add_option(
         "--executor", flags.executor,
         "what starts workers: local (the default) or slurm, whose settings are in the file")
      ->type_name("NAME");
  app.footer(
      "The first start makes a certificate authority in DIR/tls and an admin's profile, "
      "DIR/admin.profile.\n"
      "SIGTERM and SIGINT let running jobs save their state; they go on at the next start.");
}

absl::StatusOr<gradus::server::Settings> SettingsOf(const Flags& flags) {
  gradus::v1::ServerConfig config;
  if (!flags.config.empty()) {
    absl::StatusOr<gradus::v1::ServerConfig> read = gradus::server::ReadConfig(flags.config);
    if (!read.ok()) return read.status();
    config = *std::move(read);
  }
  if (!flags.data_dir.empty()) config.set_data_dir(flags.data_dir);
  if (!flags.listen.empty()) config.set_listen(flags.listen);
  if (!flags.executor.empty()) config.set_executor(flags.executor);
  return gradus::server::Resolve(config);
}

// As many open files as the system lets us have, up to what many connections need.
void RaiseFileLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur =
      limit.rlim_max == RLIM_INFINITY ? kWantedFiles : std::min(kWantedFiles, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    gradus::base::LogWarning("the limit of open files could not be raised");
}

// Before any thread starts, so that all of them leave the signals to Wait.
sigset_t TakeSignals() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  return stop;
}

int Run(const gradus::server::Settings& settings, const sigset_t& stop) {
  absl::StatusOr<std::unique_ptr<gradus::server::Program>> program =
      gradus::server::Program::Start(settings);
  if (!program.ok()) {
    std::fprintf(stderr, "gradusd: %s\n", std::string(program.status().message()).c_str());
    return kRefused;
  }
  gradus::base::LogInfo("listening", {{"address", (*program)->address()},
                                      {"data_dir", settings.data_dir},
                                      {"version", GRADUS_VERSION}});
  int received = 0;
  sigwait(&stop, &received);
  gradus::base::LogInfo("stopping", {{"signal", received}});
  (*program)->Drain();
  program->reset();
  gradus::base::LogInfo("stopped");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("gradusd: the training server of Gradus", "gradusd");
  Flags flags;
  AddFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  // What it keeps (the database, for one) is for its own user alone.
  umask(S_IRWXG | S_IRWXO);
  const sigset_t stop = TakeSignals();
  const absl::StatusOr<gradus::server::Settings> settings = SettingsOf(flags);
  if (!settings.ok()) {
    std::fprintf(stderr, "gradusd: %s\n", std::string(settings.status().message()).c_str());
    return kUsage;
  }
  RaiseFileLimit();
  gradus::api::SendLibrariesLogToOurs();
  return Run(*settings, stop);
}
