// SPDX-License-Identifier: Apache-2.0
#include "server/executors/command.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "engine/base/clock.h"
#include "engine/base/descriptor.h"
#include "engine/base/file_ops.h"
#include "engine/base/status.h"

namespace gradus::executors {
namespace {

using base::Descriptor;

// Descriptors that the child gets are moved up here first, so that placing one of its three never
// runs over another that is still to be placed.
constexpr int kAside = 256;

absl::StatusOr<Descriptor> Aside(const Descriptor& descriptor) {
  Descriptor moved(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, kAside));
  if (!moved.valid()) return base::ErrnoStatus(errno, "descriptor for a command");
  return moved;
}

absl::StatusOr<Descriptor> InputFile(const std::string& input) {
  const Descriptor file(::memfd_create("input", MFD_CLOEXEC));
  if (!file.valid()) return base::ErrnoStatus(errno, "memory for a command's input");
  RETURN_IF_ERROR(base::WriteFully(file.get(), 0, base::AsBytes(input), "a command's input"));
  return Aside(file);
}

struct Pipe {
  Descriptor read;  // does not block
  Descriptor write;
};

absl::StatusOr<Pipe> OutputPipe() {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return base::ErrnoStatus(errno, "pipe for a command");
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  ASSIGN_OR_RETURN(pipe.write, Aside(pipe.write));
  if (::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0)
    return base::ErrnoStatus(errno, "pipe for a command");
  return pipe;
}

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

absl::StatusOr<pid_t> Spawn(const Command& command, const std::array<int, 3>& descriptors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  const absl::Cleanup destroy = [&] {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  };
  for (int target = 0; target < 3; ++target)
    posix_spawn_file_actions_adddup2(&actions, descriptors[static_cast<size_t>(target)], target);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  posix_spawn_file_actions_addchdir_np(&actions, "/");
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> words = command.words;
  std::vector<std::string> environment = command.environment;
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, words.front().c_str(), &actions, &attributes,
                                   Pointers(words).data(), Pointers(environment).data());
  if (error == ENOENT)
    return absl::NotFoundError(absl::StrCat("there is no program ", words.front()));
  if (error != 0) return base::ErrnoStatus(error, absl::StrCat(words.front(), ": start"));
  return pid;
}

// Takes what the pipe holds. Returns false at its end.
bool Take(const Descriptor& pipe, size_t most, std::string& text, bool& whole) {
  std::array<char, 65536> piece;
  while (true) {
    const ssize_t count =
        base::RetryOnInterrupt([&] { return ::read(pipe.get(), piece.data(), piece.size()); });
    if (count == 0) return false;
    if (count < 0) return errno == EAGAIN;
    const size_t taken = std::min(static_cast<size_t>(count), most - text.size());
    text.append(piece.data(), taken);
    whole = whole && taken == static_cast<size_t>(count);
  }
}

// Reads both outputs until the process has ended or the limit has come.
void Collect(const Command& command, const Descriptor& process, const Descriptor& output,
             const Descriptor& errors, CommandEnd& end) {
  base::Clock& clock = base::RealClock();
  const int64_t deadline = clock.MonotonicMicros() + command.limit_micros;
  bool errors_whole = true;  // nobody minds
  bool output_open = true;
  bool errors_open = true;
  while (true) {
    const int64_t left = deadline - clock.MonotonicMicros();
    if (left <= 0) {
      end.in_time = false;
      return;
    }
    std::array<pollfd, 3> waited = {{{process.get(), POLLIN, 0},
                                     {output_open ? output.get() : -1, POLLIN, 0},
                                     {errors_open ? errors.get() : -1, POLLIN, 0}}};
    ::poll(waited.data(), waited.size(),
           static_cast<int>(std::min<int64_t>(left / 1000 + 1, 60'000)));
    // Looked at before the pipes are: what it wrote before its end is in them.
    const bool ended = (waited[0].revents & POLLIN) != 0;
    if (output_open) output_open = Take(output, command.max_output, end.output, end.whole);
    if (errors_open) errors_open = Take(errors, command.max_output, end.errors, errors_whole);
    if (ended) return;
  }
}

}  // namespace

absl::StatusOr<CommandEnd> RunCommand(const Command& command) {
  ASSIGN_OR_RETURN(Descriptor input, InputFile(command.input));
  ASSIGN_OR_RETURN(Pipe output, OutputPipe());
  ASSIGN_OR_RETURN(Pipe errors, OutputPipe());
  // The file's position is shared with the child, and writing left it at its beginning.
  ASSIGN_OR_RETURN(const pid_t pid,
                   Spawn(command, {input.get(), output.write.get(), errors.write.get()}));
  input.Reset();
  output.write.Reset();
  errors.write.Reset();
  const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  CommandEnd end;
  if (process.valid()) {
    Collect(command, process, output.read, errors.read, end);
  } else {
    end.in_time = false;
  }
  // It is not reaped yet, so the number is still its group's.
  ::kill(-pid, SIGKILL);
  base::RetryOnInterrupt([&] { return ::waitpid(pid, &end.wait_status, 0); });
  return end;
}

}  // namespace gradus::executors
