// SPDX-License-Identifier: Apache-2.0
#include "server/serving/served_process.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "engine/base/status.h"
#include "server/executors/spawn.h"

namespace gradus::serving {
namespace {

// Taken at once; others get their turn in between.
constexpr int kReadsAtOnce = 16;

struct Sockets {
  base::Descriptor ours;  // does not block
  base::Descriptor theirs;
};

absl::StatusOr<Sockets> SocketPair() {
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return base::ErrnoStatus(errno, "socket to a loaded model");
  Sockets sockets{base::Descriptor(ends[0]), base::Descriptor(ends[1])};
  if (::fcntl(sockets.ours.get(), F_SETFL, O_NONBLOCK) != 0)
    return base::ErrnoStatus(errno, "socket to a loaded model");
  return sockets;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServedProcess>> ServedProcess::Start(const std::string& program,
                                                                    const v1::ServeSetup& setup,
                                                                    int64_t memory_limit) {
  ASSIGN_OR_RETURN(Sockets sockets, SocketPair());
  registry::ChildSpec spec{.program = program,
                           .argument = "serve",
                           .request = setup.SerializeAsString(),
                           .fds = {sockets.theirs.get()}};
  ASSIGN_OR_RETURN(registry::Child child, registry::StartChild(spec));
  executors::LimitMemory(child.pid, memory_limit);
  spec.request.clear();
  spec.fds.clear();
  return std::unique_ptr<ServedProcess>(
      new ServedProcess(std::move(spec), std::move(child), std::move(sockets.ours)));
}

ServedProcess::~ServedProcess() { End().IgnoreError(); }

void ServedProcess::Ask(const v1::ServeRequest& request) {
  if (!wants_to_write()) {
    unsent_.clear();
    sent_ = 0;
  }
  base::AppendFrame(request.SerializeAsString(), &unsent_);
  // Where that fails, so does the next exchange.
  Send().IgnoreError();
}

absl::Status ServedProcess::Send() {
  while (wants_to_write()) {
    // A process that has gone is an error here, not a signal.
    const ssize_t count = base::RetryOnInterrupt([&] {
      return ::send(socket_.get(), unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL);
    });
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return absl::OkStatus();
    if (count <= 0) return absl::UnavailableError("it takes no requests any more");
    sent_ += static_cast<size_t>(count);
  }
  return absl::OkStatus();
}

absl::Status ServedProcess::Exchange(std::vector<v1::ServeAnswer>* answers) {
  const absl::Status sent = Send();
  std::array<char, 65536> buffer;
  for (int i = 0; i < kReadsAtOnce; ++i) {
    const ssize_t count =
        base::RetryOnInterrupt([&] { return ::read(socket_.get(), buffer.data(), buffer.size()); });
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return sent;
    if (count <= 0) return absl::UnavailableError("it has ended");
    reader_.Push(std::string_view(buffer.data(), static_cast<size_t>(count)));
    for (;;) {
      ASSIGN_OR_RETURN(const std::optional<std::string> frame, reader_.Next());
      if (!frame.has_value()) break;
      if (!answers->emplace_back().ParseFromString(*frame)) {
        answers->pop_back();
        return absl::DataLossError("its answer makes no sense");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ServedProcess::End() {
  if (child_.pid < 0) return absl::OkStatus();
  socket_.Reset();
  const absl::Status how = registry::EndChild(spec_, child_);
  child_.pid = -1;
  return how;
}

}  // namespace gradus::serving
