// SPDX-License-Identifier: Apache-2.0
#include "server/settings.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/byte_size.h"
#include "engine/base/cpu.h"
#include "engine/base/file_ops.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "proto/support/parse.h"
#include "server/executors/slurm_script.h"

namespace gradus::server {
namespace {

constexpr size_t kMaxConfigBytes = 1 << 20;
constexpr char kDefaultListen[] = "127.0.0.1:7077";
constexpr int64_t kDefaultMaxUpload = int64_t{16} << 30;
constexpr int64_t kDefaultMaxParams = int64_t{1} << 31;
// Sums of it stay far below what is too large.
constexpr int64_t kMostPredictionMemory = int64_t{1} << 50;
constexpr int64_t kDefaultNodeCache = int64_t{8} << 30;
constexpr int kMostCoresOfANode = 4096;
constexpr double kMicros = 1e6;

template <typename T>
absl::StatusOr<T> InRange(const char* field, T value, T least, T most) {
  if (value >= least && value <= most) return value;  // false for NaN
  return base::InvalidArgument(field, absl::StrCat(value), absl::StrCat(least, " to ", most));
}

absl::StatusOr<int64_t> Bytes(const char* field, const std::string& text, int64_t otherwise,
                              int64_t most = INT64_MAX) {
  if (text.empty()) return otherwise;
  absl::StatusOr<uint64_t> bytes = base::ParseByteSize(text);
  if (!bytes.ok()) return base::InField(bytes.status(), field);
  return InRange<int64_t>(field, static_cast<int64_t>(std::min<uint64_t>(*bytes, INT64_MAX)),
                          1 << 20, most);
}

absl::StatusOr<int64_t> Seconds(const char* field, double seconds, double least, double most) {
  ASSIGN_OR_RETURN(const double checked, InRange(field, seconds, least, most));
  return static_cast<int64_t>(std::llround(checked * kMicros));
}

absl::StatusOr<std::string> DataDir(const v1::ServerConfig& config) {
  if (config.data_dir().empty())
    return base::InvalidArgument("data_dir", "nothing", "a folder: --data-dir DIR");
  std::error_code error;
  const std::filesystem::path absolute =
      std::filesystem::absolute(config.data_dir(), error).lexically_normal();
  if (error) return base::ErrnoStatus(error.value(), config.data_dir());
  const std::string text = absolute.string();
  return text.size() > 1 && text.back() == '/' ? text.substr(0, text.size() - 1) : text;
}

// The one that was named; else the one beside this program, or where an installation puts it.
absl::StatusOr<std::string> WorkerProgram(const v1::ServerConfig& config) {
  std::error_code error;
  if (!config.worker_program().empty()) {
    const std::string named = std::filesystem::absolute(config.worker_program(), error).string();
    if (!error && std::filesystem::is_regular_file(named, error)) return named;
    return base::InvalidArgument("worker_program",
                                 absl::StrCat("\"", config.worker_program(), "\""),
                                 "a program that exists");
  }
  const std::filesystem::path folder =
      std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (const char* place : {"gradus-worker", "../libexec/gradus/gradus-worker"}) {
    const std::filesystem::path program = (folder / place).lexically_normal();
    if (std::filesystem::is_regular_file(program, error)) return program.string();
  }
  return base::FieldError(absl::StatusCode::kInvalidArgument, "worker_program",
                          "no gradus-worker beside gradusd: name one");
}

absl::StatusOr<std::vector<int>> Cpus(const v1::ServerConfig& config, bool on_slurm) {
  std::vector<int> cpus = base::UsableCpus();
  if (!config.has_cores()) return cpus;
  const int most = on_slurm ? kMostCoresOfANode : static_cast<int>(cpus.size());
  ASSIGN_OR_RETURN(const int cores, InRange("cores", config.cores(), 1, most));
  cpus.resize(static_cast<size_t>(cores));
  if (on_slurm) std::iota(cpus.begin(), cpus.end(), 0);
  return cpus;
}

absl::StatusOr<bool> OnSlurm(const v1::ServerConfig& config) {
  if (config.executor().empty() || config.executor() == "local") return false;
  if (config.executor() == "slurm") return true;
  return base::InvalidArgument("executor", base::Shown(config.executor()),
                               "\"local\" or \"slurm\"");
}

// One word of a command or a path, as operators write them.
absl::Status CheckWord(const char* field, const std::string& word) {
  const bool plain =
      std::all_of(word.begin(), word.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (plain) return absl::OkStatus();
  return base::InvalidArgument(field, base::Shown(word), "a word of plain characters");
}

// Where workers find this server, also after a restart of it.
absl::StatusOr<api::ListenAddress> Advertise(const v1::ServerConfig& config,
                                             const api::ListenAddress& listen, bool on_slurm) {
  api::ListenAddress address = listen;
  const char* const field = config.advertise().empty() ? "listen" : "advertise";
  if (!config.advertise().empty()) {
    absl::StatusOr<api::ListenAddress> read = api::ParseListenAddress(config.advertise(), field);
    if (!read.ok()) return read;
    address = *std::move(read);
  }
  if (on_slurm && (address.host == "0.0.0.0" || address.host == "::"))
    return base::InvalidArgument("advertise", "nothing",
                                 "HOST:PORT at which Slurm's nodes reach this server");
  if (on_slurm && address.port == 0)
    return base::InvalidArgument(field, "port 0",
                                 "a port that stays the same, with executor slurm");
  return address;
}

absl::StatusOr<v1::SlurmConfig> Slurm(const v1::ServerConfig& config,
                                      const std::string& worker_program) {
  v1::SlurmConfig slurm = config.slurm();
  if (slurm.worker_program().empty()) slurm.set_worker_program(worker_program);
  if (slurm.node_dir().empty()) slurm.set_node_dir("/tmp");
  if (!slurm.has_poll_seconds()) slurm.set_poll_seconds(1);
  RETURN_IF_ERROR(InRange("slurm.poll_seconds", slurm.poll_seconds(), 0.2, 60.0).status());
  RETURN_IF_ERROR(CheckWord("slurm.partition", slurm.partition()));
  RETURN_IF_ERROR(CheckWord("slurm.account", slurm.account()));
  RETURN_IF_ERROR(CheckWord("slurm.qos", slurm.qos()));
  for (const auto& [field, path] : {std::pair("slurm.worker_program", &slurm.worker_program()),
                                    std::pair("slurm.node_dir", &slurm.node_dir())}) {
    RETURN_IF_ERROR(CheckWord(field, *path));
    if (!path->starts_with('/')) return base::InvalidArgument(field, *path, "an absolute path");
  }
  for (int i = 0; i < slurm.options_size(); ++i) {
    RETURN_IF_ERROR(base::InField(executors::CheckSlurmOption(slurm.options(i)),
                                  absl::StrCat("slurm.options[", i, "]")));
  }
  return slurm;
}

}  // namespace

absl::StatusOr<v1::ServerConfig> ReadConfig(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text,
                   base::ReadFile(base::RealFiles(), path, kMaxConfigBytes));
  absl::StatusOr<v1::ServerConfig> config = support::Parse<v1::ServerConfig>(text);
  if (!config.ok()) return base::Annotate(config.status(), path);
  return config;
}

absl::StatusOr<Settings> Resolve(const v1::ServerConfig& config) {
  Settings settings;
  ASSIGN_OR_RETURN(settings.data_dir, DataDir(config));
  ASSIGN_OR_RETURN(
      settings.listen,
      api::ParseListenAddress(config.listen().empty() ? kDefaultListen : config.listen()));
  ASSIGN_OR_RETURN(settings.on_slurm, OnSlurm(config));
  ASSIGN_OR_RETURN(settings.advertise, Advertise(config, settings.listen, settings.on_slurm));
  ASSIGN_OR_RETURN(settings.cpus, Cpus(config, settings.on_slurm));
  const auto most = static_cast<int64_t>(base::MachineMemoryBytes() / 5 * 4);
  ASSIGN_OR_RETURN(settings.memory_bytes, Bytes("memory", config.memory(), most));
  ASSIGN_OR_RETURN(settings.worker_program, WorkerProgram(config));
  ASSIGN_OR_RETURN(settings.slurm, Slurm(config, settings.worker_program));
  RETURN_IF_ERROR(CheckWord("worker_network", config.worker_network()));
  settings.worker_network = config.worker_network();
  ASSIGN_OR_RETURN(settings.node_cache_bytes, Bytes("node_cache", config.node_cache(),
                                                    kDefaultNodeCache, kMostPredictionMemory));
  ASSIGN_OR_RETURN(settings.max_upload_bytes,
                   Bytes("max_upload", config.max_upload(), kDefaultMaxUpload));
  ASSIGN_OR_RETURN(
      settings.max_params,
      InRange<int64_t>("max_params",
                       config.has_max_params() ? config.max_params() : kDefaultMaxParams, 1,
                       int64_t{1} << 36));
  ASSIGN_OR_RETURN(
      settings.max_open_jobs,
      InRange("max_open_jobs", config.has_max_open_jobs() ? config.max_open_jobs() : 1000, 1,
              1'000'000));
  ASSIGN_OR_RETURN(
      settings.worker_grace_micros,
      Seconds("worker_grace_seconds",
              config.has_worker_grace_seconds() ? config.worker_grace_seconds() : 60, 5, 3600));
  ASSIGN_OR_RETURN(
      settings.max_attempts,
      InRange("max_attempts", config.has_max_attempts() ? config.max_attempts() : 5, 1, 100));
  ASSIGN_OR_RETURN(
      settings.drain_micros,
      Seconds("drain_seconds", config.has_drain_seconds() ? config.drain_seconds() : 9, 1, 600));
  ASSIGN_OR_RETURN(
      settings.writes.burst,
      InRange("write_burst", config.has_write_burst() ? config.write_burst() : 60.0, 1.0, 1e6));
  ASSIGN_OR_RETURN(
      settings.writes.per_second,
      InRange("writes_per_second",
              config.has_writes_per_second() ? config.writes_per_second() : 10.0, 1.0, 1e6));
  const auto for_models = static_cast<int64_t>(base::MachineMemoryBytes() / 100 * 15);
  ASSIGN_OR_RETURN(
      settings.prediction_memory_bytes,
      Bytes("prediction_memory", config.prediction_memory(), for_models, kMostPredictionMemory));
  ASSIGN_OR_RETURN(
      settings.prediction_idle_micros,
      Seconds("prediction_idle_seconds",
              config.has_prediction_idle_seconds() ? config.prediction_idle_seconds() : 900, 1,
              1e6));
  return settings;
}

}  // namespace gradus::server
