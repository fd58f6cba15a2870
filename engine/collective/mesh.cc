// SPDX-License-Identifier: Apache-2.0
#include "engine/collective/mesh.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/status.h"

namespace gradus::collective {
namespace {

using Time = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

constexpr milliseconds kTick{20};         // how soon a note or an abort is seen
constexpr milliseconds kCallAgain{50};    // after a call that was not taken
constexpr milliseconds kStranger{3'000};  // for a caller to say who it is
constexpr size_t kMostCallers = 64;       // that have not said it yet; the oldest goes first

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

std::optional<SocketAddress> Parse(const std::string& digits, uint16_t port) {
  SocketAddress address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, digits.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.length = sizeof(sockaddr_in);
    return address;
  }
  if (inet_pton(AF_INET6, digits.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.length = sizeof(sockaddr_in6);
    return address;
  }
  return std::nullopt;
}

// "ADDRESS PORT", as a rank wrote it into its note.
std::optional<SocketAddress> ParseNote(const std::string& note) {
  const std::vector<std::string> words = absl::StrSplit(note, ' ');
  uint32_t port = 0;
  if (words.size() != 2 || !absl::SimpleAtoi(words[1], &port) || port == 0 || port > 65535)
    return std::nullopt;
  return Parse(words[0], static_cast<uint16_t>(port));
}

std::string NoteKey(int rank) { return absl::StrCat("address/", rank); }

bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

// A connection whose ends do not know each other yet.
struct Link {
  base::Descriptor fd;
  Handshake handshake;
  bool connecting = false;
  bool called = false;  // by this rank
  Time since;
};

class Mesh {
 public:
  explicit Mesh(const MeshOptions& options)
      : options_(options), end_(std::chrono::steady_clock::now() + options.timeout) {
    peers_.resize(static_cast<size_t>(options.self.size));
    addresses_.resize(static_cast<size_t>(options.self.rank));
    calls_.resize(static_cast<size_t>(options.self.rank));
  }

  absl::StatusOr<std::vector<base::Descriptor>> Run() {
    if (options_.self.size > 1) {
      RETURN_IF_ERROR(Listen());
      while (missing() > 0) {
        RETURN_IF_ERROR(CheckTime());
        RETURN_IF_ERROR(ExchangeNotes());
        Call();
        RETURN_IF_ERROR(Poll());
      }
    }
    return std::move(peers_);
  }

 private:
  struct CallState {
    bool open = false;
    Time next{};
  };

  size_t missing() const { return peers_.size() - 1 - connected_; }
  static Time Now() { return std::chrono::steady_clock::now(); }

  absl::Status CheckTime() const {
    if (options_.aborted && options_.aborted())
      return absl::AbortedError("the ranks' connecting was given up");
    if (Now() < end_) return absl::OkStatus();
    std::string ranks;
    for (size_t rank = 0; rank < peers_.size(); ++rank) {
      if (static_cast<int>(rank) == options_.self.rank || peers_[rank].valid()) continue;
      absl::StrAppend(&ranks, ranks.empty() ? "" : ", ", rank);
    }
    return absl::UnavailableError(absl::StrCat("not connected with rank ", ranks, " within ",
                                               options_.timeout.count(), " ms; ", strangers_,
                                               " callers that were no ranks were turned away"));
  }

  absl::Status Listen() {
    auto address = Parse(options_.address, 0);
    if (!address) {
      return base::InvalidArgument("", absl::StrCat("\"", options_.address, "\""),
                                   "an address in digits");
    }
    listener_ = base::Descriptor(
        socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener_.valid()) return base::ErrnoStatus(errno, "socket");
    if (bind(listener_.get(), address->get(), address->length) != 0 ||
        listen(listener_.get(), SOMAXCONN) != 0) {
      return base::ErrnoStatus(errno, absl::StrCat("listening at ", options_.address));
    }
    SocketAddress own;
    own.length = sizeof(own.storage);
    if (getsockname(listener_.get(), own.get(), &own.length) != 0)
      return base::ErrnoStatus(errno, "getsockname");
    const uint16_t port =
        ntohs(own.storage.ss_family == AF_INET
                  ? reinterpret_cast<const sockaddr_in*>(&own.storage)->sin_port
                  : reinterpret_cast<const sockaddr_in6*>(&own.storage)->sin6_port);
    note_ = absl::StrCat(options_.address, " ", port);
    return absl::OkStatus();
  }

  // This rank's own note is up first; lower ranks' are asked for until all are there.
  absl::Status ExchangeNotes() {
    if (Now() < next_notes_) return absl::OkStatus();
    next_notes_ = Now() + kTick;
    if (!note_.empty()) {
      const absl::Status put = options_.notes.put(NoteKey(options_.self.rank), note_);
      if (!put.ok()) return MayPass(put) ? absl::OkStatus() : put;
      note_.clear();
    }
    std::vector<std::string> keys;
    for (size_t rank = 0; rank < addresses_.size(); ++rank)
      if (!addresses_[rank]) keys.push_back(NoteKey(static_cast<int>(rank)));
    if (keys.empty()) return absl::OkStatus();
    auto notes = options_.notes.get(keys);
    if (!notes.ok()) return MayPass(notes.status()) ? absl::OkStatus() : notes.status();
    for (size_t rank = 0; rank < addresses_.size(); ++rank) {
      const auto note = notes->find(NoteKey(static_cast<int>(rank)));
      if (addresses_[rank] || note == notes->end()) continue;
      addresses_[rank] = ParseNote(note->second);
      if (!addresses_[rank])
        return absl::InternalError(absl::StrCat("rank ", rank, " left no address in its note"));
    }
    return absl::OkStatus();
  }

  // Lower ranks are called, higher ones call.
  void Call() {
    for (size_t rank = 0; rank < addresses_.size(); ++rank) {
      CallState& call = calls_[rank];
      if (peers_[rank].valid() || !addresses_[rank] || call.open || Now() < call.next) continue;
      SocketAddress address = *addresses_[rank];
      base::Descriptor fd(
          socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      call.next = Now() + kCallAgain;
      if (!fd.valid()) continue;
      const int result = connect(fd.get(), address.get(), address.length);
      if (result != 0 && errno != EINPROGRESS) continue;
      call.open = true;
      links_.push_back({.fd = std::move(fd),
                        .handshake = Handshake::Call(options_.self, static_cast<int>(rank)),
                        .connecting = true,
                        .called = true,
                        .since = Now()});
    }
  }

  absl::Status Poll() {
    std::vector<pollfd> fds;
    fds.push_back({.fd = listener_.get(), .events = POLLIN, .revents = 0});
    for (const Link& link : links_) {
      const bool writes = link.connecting || !link.handshake.to_send().empty();
      fds.push_back({.fd = link.fd.get(),
                     .events = static_cast<short>(writes ? POLLOUT : POLLIN),
                     .revents = 0});
    }
    if (poll(fds.data(), fds.size(), static_cast<int>(kTick.count())) < 0 && errno != EINTR)
      return base::ErrnoStatus(errno, "poll");
    std::vector<Link> left;
    for (size_t i = 0; i < links_.size(); ++i) {
      Link& link = links_[i];
      if (fds[i + 1].revents == 0) {
        if (!link.called && Now() - link.since > kStranger) {
          ++strangers_;
        } else {
          left.push_back(std::move(link));
        }
        continue;
      }
      ASSIGN_OR_RETURN(const bool stays, Move(link));
      if (stays) left.push_back(std::move(link));
    }
    links_ = std::move(left);
    if (fds[0].revents != 0) Accept();
    return absl::OkStatus();
  }

  void Accept() {
    while (true) {
      base::Descriptor fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!fd.valid()) {
        // Without descriptors a caller stays in the queue: no reason to turn round at full speed.
        if (errno == EMFILE || errno == ENFILE) poll(nullptr, 0, static_cast<int>(kTick.count()));
        return;
      }
      const auto callers =
          std::count_if(links_.begin(), links_.end(), [](const Link& l) { return !l.called; });
      if (static_cast<size_t>(callers) >= kMostCallers) {
        links_.erase(
            std::find_if(links_.begin(), links_.end(), [](const Link& l) { return !l.called; }));
        ++strangers_;
      }
      links_.push_back(
          {.fd = std::move(fd), .handshake = Handshake::Answer(options_.self), .since = Now()});
    }
  }

  // As far as it goes without waiting; false: the link is done with.
  absl::StatusOr<bool> Move(Link& link) {
    const auto moved = Exchange(link);
    if (moved.ok() && !*moved) return true;
    if (moved.ok()) {
      Keep(link);
      return false;
    }
    if (link.called) {
      calls_[static_cast<size_t>(link.handshake.peer())].open = false;
      if (absl::IsPermissionDenied(moved.status())) return moved.status();
    } else {
      ++strangers_;
    }
    return false;
  }

  // Whether the handshake is done; an error ends the link alone.
  static absl::StatusOr<bool> Exchange(Link& link) {
    if (link.connecting) {
      int error = 0;
      socklen_t length = sizeof(error);
      if (getsockopt(link.fd.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
      if (error != 0) return base::ErrnoStatus(error, "connect");
      link.connecting = false;
    }
    while (!link.handshake.done()) {
      const std::span<const std::byte> out = link.handshake.to_send();
      std::array<std::byte, 128> in;
      const ssize_t count = base::RetryOnInterrupt([&] {
        return out.empty()
                   ? recv(link.fd.get(), in.data(), std::min(in.size(), link.handshake.wanted()), 0)
                   : send(link.fd.get(), out.data(), out.size(), MSG_NOSIGNAL);
      });
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
      if (count < 0) return base::ErrnoStatus(errno, "handshake");
      if (count == 0) return absl::UnavailableError("closed by the other end");
      if (out.empty()) {
        RETURN_IF_ERROR(link.handshake.Received(std::span(in).first(static_cast<size_t>(count))));
      } else {
        link.handshake.Sent(static_cast<size_t>(count));
      }
    }
    return true;
  }

  // A rank that calls twice did not hear that it was let in.
  void Keep(Link& link) {
    base::Descriptor& peer = peers_[static_cast<size_t>(link.handshake.peer())];
    if (!peer.valid()) ++connected_;
    peer = std::move(link.fd);
  }

  const MeshOptions& options_;
  const Time end_;
  base::Descriptor listener_;
  std::string note_;  // until it is up
  Time next_notes_{};
  std::vector<std::optional<SocketAddress>> addresses_;
  std::vector<CallState> calls_;
  std::vector<Link> links_;
  std::vector<base::Descriptor> peers_;
  size_t connected_ = 0;
  size_t strangers_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<base::Descriptor>> ConnectMesh(const MeshOptions& options) {
  return Mesh(options).Run();
}

}  // namespace gradus::collective
