// SPDX-License-Identifier: Apache-2.0
// posix_spawn, a pipe, a pidfd and one loop over both.
#include "server/registry/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "engine/base/descriptor.h"
#include "engine/base/file_ops.h"
#include "engine/base/log.h"
#include "engine/base/status.h"

namespace gradus::registry {
namespace {

using base::Descriptor;

// Descriptors are moved up here first, so that placing one in the child never runs over another
// that is still to be placed.
constexpr int kAside = 256;

absl::StatusOr<Descriptor> Aside(int fd) {
  Descriptor moved(::fcntl(fd, F_DUPFD_CLOEXEC, kAside));
  if (!moved.valid()) return base::ErrnoStatus(errno, "descriptor for a child");
  return moved;
}

absl::StatusOr<Descriptor> RequestFile(const std::string& request) {
  Descriptor file(::memfd_create("request", MFD_CLOEXEC));
  if (!file.valid()) return base::ErrnoStatus(errno, "memory for a child's request");
  RETURN_IF_ERROR(base::WriteFully(file.get(), 0, base::AsBytes(request), "request"));
  return Aside(file.get());
}

struct Pipe {
  Descriptor read;
  Descriptor write;
};

// Reading from it does not block.
absl::StatusOr<Pipe> ChildPipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return base::ErrnoStatus(errno, "pipe for a child");
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  ASSIGN_OR_RETURN(pipe.write, Aside(pipe.write.get()));
  if (::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0)
    return base::ErrnoStatus(errno, "pipe for a child");
  return pipe;
}

// What the child wrote to its standard error becomes part of one of our lines: whatever has taken
// it over cannot write lines of its own into the log.
void LogComplaints(const ChildSpec& spec, const Descriptor& errors) {
  std::array<char, 2048> text;
  const ssize_t count =
      base::RetryOnInterrupt([&] { return ::read(errors.get(), text.data(), text.size()); });
  if (count <= 0) return;
  base::LogWarning("a child has complained",
                   {{"program", spec.program},
                    {"argument", spec.argument},
                    {"text", std::string(text.data(), static_cast<size_t>(count))}});
}

// Failpoints reach the child in builds that have them; nothing else of this process's environment
// does.
std::vector<std::string> Environment() {
  std::vector<std::string> environment;
#ifdef GRADUS_FAILPOINTS
  if (const char* value = std::getenv("GRADUS_FAILPOINTS"))
    environment.push_back(absl::StrCat("GRADUS_FAILPOINTS=", value));
#endif
  return environment;
}

// Starts `program` with `sources[i]` as descriptor i for those that are not -1.
absl::StatusOr<pid_t> Spawn(const ChildSpec& spec, const std::vector<int>& sources) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  const absl::Cleanup destroy = [&] {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  };
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  for (size_t target = 0; target < sources.size(); ++target) {
    if (sources[target] >= 0)
      posix_spawn_file_actions_adddup2(&actions, sources[target], static_cast<int>(target));
  }
  posix_spawn_file_actions_addclosefrom_np(&actions, static_cast<int>(sources.size()));
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string program = spec.program, argument = spec.argument;
  char* argv[] = {program.data(), argument.data(), nullptr};
  std::vector<std::string> environment = Environment();
  std::vector<char*> envp;
  for (std::string& entry : environment) envp.push_back(entry.data());
  envp.push_back(nullptr);
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, spec.program.c_str(), &actions, &attributes, argv, envp.data());
  if (error != 0)
    return absl::InternalError(absl::StrCat(spec.program, ": ", std::strerror(error)));
  return pid;
}

// Appends what the pipe holds; false at its end.
bool Drain(int fd, std::string& answer, size_t max_answer) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count =
        base::RetryOnInterrupt([&] { return ::read(fd, buffer.data(), buffer.size()); });
    if (count == 0) return false;
    if (count < 0) return errno == EAGAIN;
    // One byte too many is enough to know.
    answer.append(buffer.data(),
                  std::min(static_cast<size_t>(count), max_answer + 1 - answer.size()));
    if (answer.size() > max_answer) return false;
  }
}

// Reads until the child is gone or `deadline` has come; false for the latter.
bool Collect(base::Clock& clock, int answer_fd, int pid_fd, int64_t deadline, size_t max_answer,
             std::string& answer) {
  bool open = true;
  for (;;) {
    const int64_t left = deadline - clock.MonotonicMicros();
    if (left <= 0) return false;
    pollfd fds[] = {{pid_fd, POLLIN, 0}, {open ? answer_fd : -1, POLLIN, 0}};
    const int ready = ::poll(fds, 2, static_cast<int>(std::min<int64_t>(left / 1000 + 1, 60'000)));
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) continue;
    if (open) open = Drain(answer_fd, answer, max_answer);
    if (answer.size() > max_answer || (fds[0].revents & POLLIN) != 0) return true;
  }
}

absl::Status Ending(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    return absl::InternalError(
        absl::StrCat("was killed by signal ", signal, " (", ::strsignal(signal), ")"));
  }
  if (WEXITSTATUS(wait_status) != 0)
    return absl::InternalError(absl::StrCat("exited with ", WEXITSTATUS(wait_status)));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Child> StartChild(const ChildSpec& spec) {
  ASSIGN_OR_RETURN(const Descriptor request, RequestFile(spec.request));
  ASSIGN_OR_RETURN(Pipe pipe, ChildPipe());
  ASSIGN_OR_RETURN(Pipe errors, ChildPipe());
  // Nobody reads while it runs: a child that says more than a pipe holds must not wait for that.
  if (::fcntl(errors.write.get(), F_SETFL, O_NONBLOCK) != 0)
    return base::ErrnoStatus(errno, "pipe for a child");
  std::vector<Descriptor> moved;
  std::vector<int> sources = {-1, pipe.write.get(), errors.write.get(), request.get()};
  for (const int fd : spec.fds) {
    ASSIGN_OR_RETURN(Descriptor aside, Aside(fd));
    sources.push_back(aside.get());
    moved.push_back(std::move(aside));
  }
  ASSIGN_OR_RETURN(const pid_t pid, Spawn(spec, sources));
  return Child{.pid = pid,
               .exit = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))),
               .answer = std::move(pipe.read),
               .errors = std::move(errors.read)};
}

absl::Status EndChild(const ChildSpec& spec, const Child& child) {
  // Harmless for a child that has ended: it is not reaped yet, so its number is still its own.
  ::kill(-child.pid, SIGKILL);
  int wait_status = 0;
  if (base::RetryOnInterrupt([&] { return ::waitpid(child.pid, &wait_status, 0); }) != child.pid)
    return base::ErrnoStatus(errno, "wait for a child");
  LogComplaints(spec, child.errors);
  return Ending(wait_status);
}

absl::StatusOr<std::string> RunChild(base::Clock& clock, const ChildSpec& spec) {
  const int64_t deadline = clock.MonotonicMicros() + spec.limit_micros;
  ASSIGN_OR_RETURN(const Child child, StartChild(spec));
  std::string answer;
  const bool in_time = child.exit.valid() && Collect(clock, child.answer.get(), child.exit.get(),
                                                     deadline, spec.max_answer, answer);
  const absl::Status ended = EndChild(spec, child);
  if (answer.size() > spec.max_answer)
    return absl::InternalError(absl::StrCat("answered more than ", spec.max_answer, " bytes"));
  if (!in_time) return absl::InternalError("took too long and was ended");
  RETURN_IF_ERROR(ended);
  return answer;
}

}  // namespace gradus::registry
