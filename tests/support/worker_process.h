// SPDX-License-Identifier: Apache-2.0
// A program that is started as an executor starts a rank: settings on descriptor 3 or, as Slurm
// does it, on standard input; an environment of its own.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "google/protobuf/util/json_util.h"
#include "gradus/v1/config.pb.h"

namespace gradus::test_support {

// Owns the process: what still runs when this goes is killed.
class WorkerProcess {
 public:
  enum class Settings { kDescriptor3, kStandardInput };

  WorkerProcess(const std::string& program, const v1::WorkerConfig& config,
                std::vector<std::string> environment = {},
                Settings settings = Settings::kDescriptor3) {
    const bool on_stdin = settings == Settings::kStandardInput;
    std::string json;
    if (!google::protobuf::util::MessageToJsonString(config, &json).ok()) return;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], on_stdin ? STDIN_FILENO : 3);
    posix_spawn_file_actions_addclosefrom_np(&actions, on_stdin ? 3 : 4);
    std::vector<char*> variables;
    for (std::string& variable : environment) variables.push_back(variable.data());
    variables.push_back(nullptr);
    std::string word = "rank-stdin";
    char* arguments[] = {const_cast<char*>(program.c_str()), on_stdin ? word.data() : nullptr,
                         nullptr};
    if (::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, variables.data()) != 0)
      pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[0]);
    if (::write(ends[1], json.data(), json.size()) != static_cast<ssize_t>(json.size())) Kill();
    ::close(ends[1]);
  }
  ~WorkerProcess() {
    Kill();
    Wait();
  }
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  bool started() const { return pid_ > 0; }
  void Signal(int signal) {
    if (pid_ > 0 && !ended_) ::kill(pid_, signal);
  }
  void Kill() { Signal(SIGKILL); }
  void LimitData(rlim_t bytes) {
    const rlimit limit = {bytes, bytes};
    ::prlimit(pid_, RLIMIT_DATA, &limit, nullptr);
  }
  // The exit status, or minus the signal's number.
  int Wait() {
    if (pid_ > 0 && !ended_) {
      int status = 0;
      ::waitpid(pid_, &status, 0);
      ended_ = true;
      result_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    return result_;
  }

 private:
  pid_t pid_ = -1;
  bool ended_ = false;
  int result_ = 0;
};

}  // namespace gradus::test_support
