// SPDX-License-Identifier: Apache-2.0
#include "server/executors/slurm_queue.h"

#include <string.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace gradus::executors {
namespace {

using nlohmann::json;

// The fields of a job that are kept while the rest of a long list runs by.
constexpr std::array<std::string_view, 9> kFields = {"job_id",    "name",       "comment",
                                                     "user_id",   "job_state",  "state_reason",
                                                     "exit_code", "start_time", "job_resources"};

// A plain number, or since 23.11 {"set": true, "infinite": false, "number": 7}.
int64_t Number(const json& value) {
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_object()) return 0;
  const auto number = value.find("number");
  return number != value.end() && number->is_number_integer() ? number->get<int64_t>() : 0;
}

std::string Text(const json& value) { return value.is_string() ? value.get<std::string>() : ""; }

const json& Field(const json& object, const char* name) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

// A word, or since 23.02 a list of them: the state and what comes on top.
void ReadState(const json& value, SlurmJob& job) {
  const auto take = [&job](const std::string& word) {
    if (word == "COMPLETING") {
      job.leaving = true;
    } else if (job.state.empty()) {
      job.state = word;
    }
  };
  if (!value.is_array()) return take(Text(value));
  for (const json& word : value) take(Text(word));
}

// A wait status, or since 23.02 an object of its parts.
int WaitStatus(const json& value) {
  if (!value.is_object()) return static_cast<int>(Number(value) & 0xffff);
  const json& signal = Field(value, "signal");
  const int64_t killed_by =
      Number(signal.contains("id") ? Field(signal, "id") : Field(signal, "signal_id"));
  return static_cast<int>((Number(Field(value, "return_code")) & 0xff) << 8 | (killed_by & 0x7f));
}

// job_resources.allocated_nodes[].nodename, later job_resources.nodes.allocation[].name.
std::vector<std::string> Nodes(const json& resources) {
  const json& old_list = Field(resources, "allocated_nodes");
  const json& list =
      old_list.is_array() ? old_list : Field(Field(resources, "nodes"), "allocation");
  std::vector<std::string> nodes;
  if (!list.is_array()) return nodes;
  for (const json& node : list) {
    const std::string name = Text(Field(node, old_list.is_array() ? "nodename" : "name"));
    if (!name.empty()) nodes.push_back(name);
  }
  return nodes;
}

SlurmJob JobOf(const json& value) {
  SlurmJob job{.id = Number(Field(value, "job_id")),
               .name = Text(Field(value, "name")),
               .comment = Text(Field(value, "comment")),
               .reason = Text(Field(value, "state_reason")),
               .wait_status = WaitStatus(Field(value, "exit_code")),
               .start_time = Number(Field(value, "start_time")),
               .nodes = Nodes(Field(value, "job_resources"))};
  ReadState(Field(value, "job_state"), job);
  return job;
}

bool IsAnyOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The script ends with what its leader ended with; a shell says 128 + N for signal N.
std::string ExitInWords(int wait_status) {
  constexpr int kSignals = 64;
  const int code = WEXITSTATUS(wait_status);
  int signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
  if (signal == 0 && code > 128 && code <= 128 + kSignals) signal = code - 128;
  if (signal == 0) return absl::StrCat("exited with ", code);
  const char* const name = ::sigabbrev_np(signal);
  return absl::StrCat("was killed by signal ", signal,
                      name != nullptr ? absl::StrCat(" (", name, ")") : "");
}

}  // namespace

SlurmPhase PhaseOf(const SlurmJob& job) {
  if (job.leaving || job.state == "STAGE_OUT") return SlurmPhase::kLeaving;
  if (IsAnyOf(job.state, {"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT",
                          "RESV_DEL_HOLD", "CONFIGURING", "POWER_UP_NODE"}))
    return SlurmPhase::kWaiting;
  if (IsAnyOf(job.state, {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED",
                          "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE", "REVOKED", "LAUNCH_FAILED"}))
    return SlurmPhase::kEnded;
  // RUNNING, SUSPENDED, STOPPED, SIGNALING, RESIZING, and words that nobody has thought of yet: no
  // end is concluded from them.
  return SlurmPhase::kRunning;
}

bool HasKnownEnding(const SlurmJob& job) {
  return !job.state.empty() || job.reason == "JobLaunchFailure" || job.reason == "NodeDown";
}

SlurmEnding EndingOf(const SlurmJob& job) {
  const std::string where = absl::StrCat(" (Slurm job ", job.id, ")");
  if (job.state == "COMPLETED") return {.reason = "exited with 0", .clean = true};
  if (job.state == "CANCELLED")
    return {.reason = absl::StrCat("was cancelled in Slurm", where), .cancelled = true};
  if (job.state == "NODE_FAIL" || job.state == "BOOT_FAIL" || job.reason == "JobLaunchFailure" ||
      job.reason == "NodeDown")
    return {.reason = absl::StrCat("was on a node that failed", where)};
  if (job.state == "PREEMPTED")
    return {.reason = absl::StrCat("was preempted by Slurm", where), .blameless = true};
  if (job.state == "TIMEOUT" || job.state == "DEADLINE")
    return {.reason = absl::StrCat("ran for as long as Slurm allows", where)};
  if (job.state == "OUT_OF_MEMORY")
    return {.reason = absl::StrCat("took more memory than Slurm had given it", where)};
  if (job.state == "FAILED") return {.reason = absl::StrCat(ExitInWords(job.wait_status), where)};
  if (!HasKnownEnding(job))
    return {.reason = absl::StrCat("has ended on a node that does not get done with it", where)};
  return {.reason = absl::StrCat("ended as ", job.state, where)};
}

absl::StatusOr<std::vector<SlurmJob>> ParseSlurmJobs(std::string text, std::string_view prefix,
                                                     uid_t user) {
  // Other people's names and comments are in it, too, in whatever encoding; ours are plain.
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  constexpr int kJobDepth = 2;  // the list's object, its list of jobs, a job
  std::vector<SlurmJob> jobs;
  const auto keep = [&](int depth, json::parse_event_t event, json& value) {
    if (depth == kJobDepth + 1 && event == json::parse_event_t::key && value.is_string()) {
      const auto& name = value.get_ref<const std::string&>();
      return IsAnyOf(name, {"description", "error", "error_number", "source"}) ||
             std::find(kFields.begin(), kFields.end(), name) != kFields.end();
    }
    if (depth != kJobDepth || event != json::parse_event_t::object_end) return true;
    if (!value.is_object() || !value.contains("job_id")) return true;
    if (!Text(Field(value, "name")).starts_with(prefix)) return false;
    // Anybody may call a job as ours are called.
    if (Number(Field(value, "user_id")) != static_cast<int64_t>(user)) return false;
    jobs.push_back(JobOf(value));
    return false;
  };
  const json list = json::parse(text, keep, /*allow_exceptions=*/false);
  if (!list.is_object() || !Field(list, "jobs").is_array())
    return absl::DataLossError("squeue has not answered with a list of jobs");
  const json& errors = Field(list, "errors");
  if (errors.is_array() && !errors.empty())
    return absl::UnavailableError(
        absl::StrCat("squeue: ", Text(Field(errors.front(), "description"))));
  return jobs;
}

std::vector<SlurmStep> ParseSlurmSteps(std::string_view text) {
  std::vector<SlurmStep> steps;
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    const std::vector<std::string> parts = absl::StrSplit(line, '|');
    if (parts.size() != 3) continue;
    SlurmStep step{.id = std::string(absl::StripAsciiWhitespace(parts[0])),
                   .name = parts[1],
                   .node = std::string(absl::StripAsciiWhitespace(parts[2]))};
    if (absl::SimpleAtoi(step.id.substr(0, step.id.find('.')), &step.job))
      steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace gradus::executors
