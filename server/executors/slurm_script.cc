// SPDX-License-Identifier: Apache-2.0
#include "server/executors/slurm_script.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/base/file_ops.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "google/protobuf/util/json_util.h"
#include "server/executors/slurm_names.h"
#include "server/executors/spawn.h"

namespace gradus::executors {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kMinute = int64_t{60} * 1'000'000;
// The server's own time limit comes first: fetching data takes its time, too, and Slurm warns a
// minute before its limit.
constexpr int64_t kSpareMinutes = 3;
constexpr char kEndOfSettings[] = "END_OF_SETTINGS";

int64_t RoundedUp(int64_t value, int64_t unit) {
  return value / unit + (value % unit != 0 ? 1 : 0);
}

// Slurm counts in MiB a processor.
int64_t MemoryPerCore(const RankSpec& spec) {
  return RoundedUp(RoundedUp(spec.memory_bytes + kProcessOverhead, spec.cores), kMiB);
}

// What the rank is told of its node, where nothing of the server's disk is to be seen.
v1::WorkerConfig ConfigOf(const SlurmPlace& place, const RankSpec& spec) {
  const std::string& dir = place.config.node_dir();
  v1::WorkerConfig config = spec.config;
  config.clear_endpoint_file();
  config.clear_blob_dir();
  config.clear_cpus();
  config.set_work_dir(
      base::JoinPath(dir, absl::StrCat(SlurmPrefix(place.store_id), spec.key.job, "-",
                                       spec.key.attempt, "-", spec.key.fence)));
  if (config.network().empty()) config.set_network(place.network);
  config.set_cache_bytes(place.cache_bytes);
  if (place.cache_bytes > 0)
    config.set_cache_dir(base::JoinPath(dir, absl::StrCat("gradus-cache-", ::geteuid())));
  return config;
}

// Limits as the local executor sets them from outside, where it can.
std::string Limits([[maybe_unused]] const RankSpec& spec) {
#if defined(GRADUS_SANITIZED)
  return "";
#else
  return absl::StrCat("ulimit -c 0; ulimit -d ",
                      RoundedUp(spec.memory_bytes + kProcessOverhead, 1024), "; ");
#endif
}

// A step in the background, with its settings as here-document: a line of JSON, so no line of it is
// the mark of the end.
absl::StatusOr<std::string> Step(const SlurmPlace& place, const RankSpec& spec) {
  std::string json;
  const auto written = google::protobuf::util::MessageToJsonString(ConfigOf(place, spec), &json);
  if (!written.ok() || json.find('\n') != std::string::npos || !json.starts_with('{'))
    return absl::InternalError("a rank's settings cannot be written as JSON");
  const bool leads = spec.config.member() == 0;
  // The leader runs where the script does, so that losing one node loses both. It says when it is
  // there, or will not be: members that came before it could take its place.
  const std::string run = absl::StrCat(
      "srun --ntasks=1 --nodes=1 --exact --mpi=none --job-name=", spec.key.fence,
      " --cpus-per-task=", spec.cores, " --mem-per-cpu=", MemoryPerCore(spec), "M",
      leads ? " --nodelist=\"$SLURMD_NODENAME\"" : "", " \\\n  sh -c ",
      ShellQuoted(absl::StrCat(Limits(spec), leads ? ": >\"$1\"; " : "", "exec \"$0\" rank-stdin")),
      " ", ShellQuoted(place.config.worker_program()));
  const std::string settings =
      absl::StrCat(" <<'", kEndOfSettings, "' &\n", json, "\n", kEndOfSettings, "\n");
  if (!leads) return absl::StrCat(run, settings, "members=\"$members $!\"\n");
  return absl::StrCat("(", run, " \"$output.led\"\ncode=$?\n: >\"$output.led\"\nexit \"$code\")",
                      settings, "leader=$!\n",
                      "while [ ! -e \"$output.led\" ]; do sleep 0.1; done\n");
}

std::vector<std::string> Options(const SlurmPlace& place, std::span<const RankSpec> gang,
                                 const SlurmRanks& ranks, const std::string& name) {
  const RankSpec& first = gang.front();
  std::vector<std::string> options = {absl::StrCat("--ntasks=", gang.size()),
                                      absl::StrCat("--cpus-per-task=", first.cores),
                                      absl::StrCat("--mem-per-cpu=", MemoryPerCore(first), "M")};
  if (first.time_limit_micros > 0) {
    options.push_back(
        absl::StrCat("--time=", RoundedUp(first.time_limit_micros, kMinute) + kSpareMinutes));
  }
  const v1::SlurmConfig& config = place.config;
  if (!config.partition().empty()) options.push_back("--partition=" + config.partition());
  if (!config.account().empty()) options.push_back("--account=" + config.account());
  if (!config.qos().empty()) options.push_back("--qos=" + config.qos());
  // Slurm's own warning before it takes a job away: ranks save their state then.
  options.push_back("--signal=TERM@60");
  options.insert(options.end(), config.options().begin(), config.options().end());
  // The last word is ours on what follows.
  for (std::string option :
       {absl::StrCat("--job-name=", name),
        absl::StrCat("--comment=", SlurmComment(ranks, first.job_name)),
        absl::StrCat("--chdir=", config.node_dir()), std::string("--parsable"),
        // A retry is a new attempt with a fence of its own; this one's is over then.
        std::string("--no-requeue"),
        // The survivors of a failed node go on.
        std::string("--no-kill"), std::string("--output=/dev/null"),
        std::string("--error=/dev/null"), std::string("--export=ALL"),
        std::string("--propagate=NONE")})
    options.push_back(std::move(option));
  return options;
}

}  // namespace

SlurmRanks SlurmRanksOf(std::span<const RankSpec> gang) {
  SlurmRanks ranks{.job = gang.front().key.job,
                   .attempt = gang.front().key.attempt,
                   .has_leader = gang.front().config.member() == 0};
  for (const RankSpec& spec : gang) ranks.fences.push_back(spec.key.fence);
  return ranks;
}

std::string ShellQuoted(std::string_view text) {
  return absl::StrCat(
      "'", absl::StrReplaceAll(absl::string_view(text.data(), text.size()), {{"'", "'\\''"}}), "'");
}

absl::Status CheckSlurmOption(const std::string& option) {
  constexpr std::array<std::string_view, 10> kRefused = {
      "array", "clusters", "help", "parsable", "test-only",
      "usage", "version",  "wait", "wrap",     "uid"};
  const std::string name = option.substr(0, option.find('='));
  const bool plain = name.size() > 3 && name.starts_with("--") &&
                     name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string::npos &&
                     option.find_first_of(std::string_view("\n\0", 2)) == std::string::npos;
  if (!plain) return base::InvalidArgument("", base::Shown(option), "--NAME or --NAME=VALUE");
  // sbatch takes any beginning of a name that no other has.
  for (const std::string_view refused : kRefused) {
    if (refused.starts_with(std::string_view(name).substr(2)))
      return base::InvalidArgument("", base::Shown(option),
                                   "an option that leaves the job as a whole as it is");
  }
  return absl::OkStatus();
}

absl::StatusOr<SlurmBatch> MakeSlurmBatch(const SlurmPlace& place, std::span<const RankSpec> gang) {
  const SlurmRanks ranks = SlurmRanksOf(gang);
  SlurmBatch batch{.name = SlurmName(place.store_id, ranks)};
  batch.options = Options(place, gang, ranks, batch.name);
  batch.script = absl::StrCat(
      "#!/bin/sh\n"
      "umask 077\n"
      "output=$(mktemp ",
      ShellQuoted(base::JoinPath(place.config.node_dir(), batch.name + ".XXXXXX")),
      ") || exit 73\n"
      "exec >\"$output\" 2>&1\n"
      "[ \"${SLURM_RESTART_COUNT:-0}\" = 0 ] || { echo 'started again, but its attempt is over'; "
      "exit 1; }\n"
      "leader=\n"
      "members=\n");
  for (const RankSpec& spec : gang) {
    ASSIGN_OR_RETURN(const std::string step, Step(place, spec));
    absl::StrAppend(&batch.script, step);
  }
  absl::StrAppend(&batch.script,
                  "code=0\n"
                  "if [ -n \"$leader\" ]; then\n"
                  "  wait \"$leader\" || code=$?\n"
                  "  [ \"$code\" != 0 ] || wait\n"
                  "else\n"
                  "  for member in $members; do wait \"$member\" || code=$?; done\n"
                  "fi\n"
                  "rm -f \"$output.led\"\n"
                  "[ \"$code\" != 0 ] || rm -f \"$output\"\n"
                  "exit \"$code\"\n");
  return batch;
}

}  // namespace gradus::executors
