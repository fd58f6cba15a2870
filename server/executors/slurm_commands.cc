// SPDX-License-Identifier: Apache-2.0
#include "server/executors/slurm_commands.h"

#include <unistd.h>

#include <cstdlib>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/log.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "server/executors/command.h"
#include "server/executors/spawn.h"

namespace gradus::executors {
namespace {

// 100,000 jobs of all users in JSON.
constexpr size_t kMostQueueBytes = size_t{512} << 20;
constexpr size_t kMostBytes = size_t{1} << 20;
constexpr size_t kShownBytes = 300;

// The commands see what a rank may see, since sbatch passes it on, and where Slurm's settings are.
std::vector<std::string> Environment() {
  std::vector<std::string> environment = RankEnvironment();
  if (const char* conf = std::getenv("SLURM_CONF"))
    environment.push_back(absl::StrCat("SLURM_CONF=", conf));
  return environment;
}

// What a command complains of, as part of one line.
std::string Complaint(const CommandEnd& end) {
  std::string text(absl::StripAsciiWhitespace(end.errors));
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text.empty() ? absl::StrCat("ended with status ", end.wait_status)
                      : base::Shown(text, kShownBytes);
}

// sbatch says so where its question went out, or may have, and no answer came in.
bool MayHaveArrived(const CommandEnd& end) {
  if (!end.in_time || WIFSIGNALED(end.wait_status)) return true;
  const std::string& said = end.errors;
  if (said.find("submission failed") == std::string::npos) return false;
  for (const char* phrase :
       {"timed out", "Timed out", "Unable to contact", "Zero Bytes", "Unexpected message",
        "ommunication", "onnection", "end/recv", "standby"}) {
    if (said.find(phrase) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<int64_t> SlurmCommands::Submit(const SlurmBatch& batch) const {
  std::vector<std::string> words = {"sbatch"};
  words.insert(words.end(), batch.options.begin(), batch.options.end());
  const absl::StatusOr<CommandEnd> end = RunCommand({.words = std::move(words),
                                                     .environment = Environment(),
                                                     .input = batch.script,
                                                     .limit_micros = limit_micros_,
                                                     .max_output = kMostBytes});
  // It was not even started.
  if (!end.ok()) return absl::FailedPreconditionError(end.status().message());
  int64_t job = 0;
  if (end->ok()) {
    // "17", or "17;CLUSTER".
    const std::string number = end->output.substr(0, end->output.find_first_of(";\n"));
    if (absl::SimpleAtoi(number, &job) && job > 0) return job;
    return absl::UnavailableError("sbatch has answered without a job's number");
  }
  if (MayHaveArrived(*end))
    return absl::UnavailableError(end->in_time ? Complaint(*end)
                                               : std::string("sbatch took too long and was ended"));
  return absl::FailedPreconditionError(Complaint(*end));
}

absl::StatusOr<std::string> SlurmCommands::Ask(std::vector<std::string> words, size_t most) const {
  const std::string program = words.front();
  ASSIGN_OR_RETURN(CommandEnd end, RunCommand({.words = std::move(words),
                                               .environment = Environment(),
                                               .limit_micros = limit_micros_,
                                               .max_output = most}));
  if (!end.in_time) return absl::UnavailableError(program + " took too long and was ended");
  if (!end.whole)
    return absl::ResourceExhaustedError(absl::StrCat(program, " said more than ", most, " bytes"));
  if (!end.ok()) return absl::UnavailableError(absl::StrCat(program, ": ", Complaint(end)));
  return std::move(end.output);
}

absl::StatusOr<std::vector<SlurmJob>> SlurmCommands::Jobs(const std::string& prefix) const {
  ASSIGN_OR_RETURN(std::string text, Ask({"squeue", "--json"}, kMostQueueBytes));
  return ParseSlurmJobs(std::move(text), prefix, ::geteuid());
}

absl::StatusOr<std::vector<SlurmStep>> SlurmCommands::Steps(
    const std::vector<int64_t>& jobs) const {
  ASSIGN_OR_RETURN(const std::string text, Ask({"squeue", "--steps", "--noheader",
                                                absl::StrCat("--jobs=", absl::StrJoin(jobs, ",")),
                                                absl::StrCat("--format=", kSlurmStepFormat)},
                                               kMostQueueBytes));
  return ParseSlurmSteps(text);
}

void SlurmCommands::Cancel(const std::vector<std::string>& targets) const {
  if (targets.empty()) return;
  std::vector<std::string> words = {"scancel", "--signal=KILL"};
  words.insert(words.end(), targets.begin(), targets.end());
  const absl::StatusOr<std::string> said = Ask(std::move(words), kMostBytes);
  // It also complains of what has ended meanwhile.
  if (!said.ok()) base::LogDebug("scancel", {{"status", said.status()}});
}

absl::Status SlurmCommands::Ping() const { return Ask({"scontrol", "ping"}, kMostBytes).status(); }

}  // namespace gradus::executors
