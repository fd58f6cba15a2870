// SPDX-License-Identifier: Apache-2.0
#include "server/executors/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/descriptor.h"
#include "engine/base/file_ops.h"
#include "engine/base/status.h"
#include "google/protobuf/util/json_util.h"
#include "server/executors/processes.h"

extern char** environ;

namespace gradus::executors {
namespace {

constexpr int kConfigDescriptor = 3;

// What a rank may see of this process's environment; GRADUS_WORKER_X becomes X.
bool MayPass(std::string_view name) {
  constexpr std::string_view kNames[] = {"PATH", "HOME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH"};
  constexpr std::string_view kPrefixes[] = {"LC_",   "OMP_",   "GOMP_", "ONEDNN_", "DNNL_",
                                            "ASAN_", "UBSAN_", "TSAN_", "LSAN_",   "GRADUS_STUB_"};
  for (const std::string_view allowed : kNames) {
    if (name == allowed) return true;
  }
  for (const std::string_view prefix : kPrefixes) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

// A pipe that holds `text` whole, to be read to its end.
absl::StatusOr<base::Descriptor> FilledPipe(const std::string& text) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    return base::ErrnoStatus(errno, "pipe for a rank");
  base::Descriptor read_end(ends[0]);
  const base::Descriptor write_end(ends[1]);
  constexpr size_t kDefaultPipe = 65536;
  if (text.size() > kDefaultPipe)
    ::fcntl(write_end.get(), F_SETPIPE_SZ, static_cast<int>(text.size()));
  if (::write(write_end.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return absl::InternalError(
        absl::StrCat("a rank's settings of ", text.size(), " bytes do not fit into a pipe"));
  }
  // The flag belongs to the open file: the rank reads in the ordinary way.
  ::fcntl(read_end.get(), F_SETFL, 0);
  return read_end;
}

// Lets this thread run on the rank's processors while it starts the rank, which inherits them.
class BorrowedAffinity {
 public:
  explicit BorrowedAffinity(const v1::WorkerConfig& config) {
    if (config.cpus().empty() || ::sched_getaffinity(0, sizeof(before_), &before_) != 0) return;
    cpu_set_t wanted;
    CPU_ZERO(&wanted);
    for (const int cpu : config.cpus()) {
      if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(static_cast<size_t>(cpu), &wanted);
    }
    changed_ = ::sched_setaffinity(0, sizeof(wanted), &wanted) == 0;
  }
  ~BorrowedAffinity() {
    if (changed_) ::sched_setaffinity(0, sizeof(before_), &before_);
  }
  BorrowedAffinity(const BorrowedAffinity&) = delete;
  BorrowedAffinity& operator=(const BorrowedAffinity&) = delete;

 private:
  cpu_set_t before_;
  bool changed_ = false;
};

class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  void Arrange(const base::Descriptor& config, const std::string& work_dir) {
    const std::string log = base::JoinPath(work_dir, "log");
    posix_spawn_file_actions_adddup2(&actions_, config.get(), kConfigDescriptor);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                     0600);
    posix_spawn_file_actions_adddup2(&actions_, 1, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions_, kConfigDescriptor + 1);
    posix_spawn_file_actions_addchdir_np(&actions_, work_dir.c_str());
  }

  absl::StatusOr<pid_t> Run(const std::string& program, const std::vector<std::string>& variables) {
    std::vector<char*> environment;
    for (const std::string& variable : variables)
      environment.push_back(const_cast<char*>(variable.c_str()));
    environment.push_back(nullptr);
    std::array<char*, 2> arguments = {const_cast<char*>(program.c_str()), nullptr};
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_,
                                    arguments.data(), environment.data());
    if (error != 0) return base::ErrnoStatus(error, absl::StrCat(program, ": start"));
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

std::vector<std::string> RankEnvironment() {
  constexpr std::string_view kForWorkers = "GRADUS_WORKER_";
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    if (variable.starts_with(kForWorkers)) {
      variables.emplace_back(
          absl::StrCat("GRADUS_", std::string(variable.substr(kForWorkers.size()))));
    } else if (MayPass(variable.substr(0, variable.find('=')))) {
      variables.emplace_back(variable);
    }
  }
  return variables;
}

absl::StatusOr<pid_t> SpawnRank(const std::string& program, const std::string& mark,
                                const v1::WorkerConfig& config) {
  std::string json;
  const auto converted = google::protobuf::util::MessageToJsonString(config, &json);
  if (!converted.ok()) return absl::InternalError("a rank's settings cannot be written as JSON");
  ASSIGN_OR_RETURN(const base::Descriptor pipe, FilledPipe(json));
  SpawnPlan plan;
  plan.Arrange(pipe, config.work_dir());
  const BorrowedAffinity affinity(config);
  std::vector<std::string> environment = RankEnvironment();
  environment.push_back(absl::StrCat(kMark, "=", mark));
  return plan.Run(program, environment);
}

void LimitMemory([[maybe_unused]] pid_t pid, [[maybe_unused]] int64_t bytes) {
#if !defined(GRADUS_SANITIZED)
  const rlimit no_core = {0, 0};
  ::prlimit(pid, RLIMIT_CORE, &no_core, nullptr);
  if (bytes > 0) {
    const rlim_t limit = static_cast<rlim_t>(bytes + kProcessOverhead);
    const rlimit data = {limit, limit};
    ::prlimit(pid, RLIMIT_DATA, &data, nullptr);
  }
  const base::Descriptor score(
      ::open(absl::StrCat("/proc/", pid, "/oom_score_adj").c_str(), O_WRONLY | O_CLOEXEC));
  // Where the kernel refuses, its own choice stands.
  if (score.valid() && ::write(score.get(), "500", 3) != 3) return;
#endif
}

}  // namespace gradus::executors
