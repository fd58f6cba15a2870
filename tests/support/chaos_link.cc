// SPDX-License-Identifier: Apache-2.0
#include "tests/support/chaos_link.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace gradus::test_support {
namespace {

constexpr size_t kReadBytes = 16 << 10;
// Where a rate is set, bytes go out in pieces of so many seconds' worth.
constexpr double kPieceSeconds = 0.02;

bool IsLater() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// The other end sees a reset, not an orderly end.
void Reset(base::Descriptor& socket) {
  const linger at_once = {1, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  socket.Reset();
}

bool Reached(const ByteMark& mark, int64_t up, int64_t down) {
  return up >= mark.up || down >= mark.down;
}

}  // namespace

void ChaosLane::Push(std::string bytes, ChaosTime now) {
  bytes_ += bytes.size();
  queue_.push_back({now + treatment_.delay, std::move(bytes)});
}

std::optional<ChaosTime> ChaosLane::Due() const {
  if (queue_.empty()) return std::nullopt;
  return std::max(queue_.front().due, free_at_);
}

bool ChaosLane::WriteTo(int socket, ChaosTime now) {
  const auto rate = static_cast<double>(treatment_.bytes_per_second);
  while (!queue_.empty() && *Due() <= now) {
    std::string& bytes = queue_.front().bytes;
    size_t most = bytes.size();
    if (rate > 0)
      most = std::min(most, std::max<size_t>(1, static_cast<size_t>(rate * kPieceSeconds)));
    const ssize_t sent = ::send(socket, bytes.data(), most, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return IsLater();
    if (rate > 0) {
      const std::chrono::duration<double> taken(static_cast<double>(sent) / rate);
      free_at_ = now + std::chrono::duration_cast<ChaosTime::duration>(taken);
    }
    bytes_ -= static_cast<size_t>(sent);
    bytes.erase(0, static_cast<size_t>(sent));
    if (bytes.empty()) queue_.pop_front();
  }
  return true;
}

ChaosLink::ChaosLink(base::Descriptor client, base::Descriptor server, const Treatment& treatment,
                     ChaosCounts& counts)
    : treatment_(treatment),
      counts_(counts),
      client_{.socket = std::move(client), .in = ChaosLane(treatment_)},
      server_{.socket = std::move(server), .in = ChaosLane(treatment_)} {
  Conclude();
}

std::array<pollfd, 2> ChaosLink::Interests(ChaosTime now) const {
  // Of a socket that is only kept open nothing is asked, not even whether it broke.
  std::array<pollfd, 2> interests = {pollfd{-1, 0, 0}, pollfd{-1, 0, 0}};
  if (half_open_ || ended_) return interests;
  const auto of = [&](const Side& side, const Side& peer, bool from_client) {
    pollfd interest = {side.socket.get(), 0, 0};
    if (!side.closed && side.in.HasRoom() && LeftOf(from_client) > 0) interest.events |= POLLIN;
    if (peer.in.Due().value_or(ChaosTime::max()) <= now) interest.events |= POLLOUT;
    if (interest.events == 0) interest.fd = -1;
    return interest;
  };
  interests[0] = of(client_, server_, true);
  interests[1] = of(server_, client_, false);
  return interests;
}

std::optional<ChaosTime> ChaosLink::NextDue(ChaosTime now) const {
  std::optional<ChaosTime> next;
  if (half_open_ || ended_) return next;
  for (const Side* side : {&client_, &server_}) {
    // What is due already waits for its socket alone.
    const ChaosTime due = side->in.Due().value_or(now);
    if (due > now) next = std::min(next.value_or(due), due);
  }
  return next;
}

void ChaosLink::Serve(const std::array<pollfd, 2>& ready, ChaosTime now) {
  constexpr int kReadable = POLLIN | POLLHUP | POLLERR;
  if (half_open_) return;  // since the poll began
  if (!ended_ && (ready[0].revents & kReadable) != 0) Receive(client_, true, now);
  if (!ended_ && (ready[1].revents & kReadable) != 0) Receive(server_, false, now);
  if (!ended_) Flush(client_, server_, now);
  if (!ended_) Flush(server_, client_, now);
  if (!ended_) Conclude();
}

// Bytes that may still pass from a side before something happens.
int64_t ChaosLink::LeftOf(bool from_client) const {
  const ByteMark& cut = treatment_.cut_after;
  const ByteMark& half_open = treatment_.half_open_after;
  if (Reached(cut, client_.passed, server_.passed) ||
      Reached(half_open, client_.passed, server_.passed)) {
    return 0;
  }
  return from_client ? std::min(cut.up, half_open.up) - client_.passed
                     : std::min(cut.down, half_open.down) - server_.passed;
}

void ChaosLink::Receive(Side& side, bool from_client, ChaosTime now) {
  const int64_t left = LeftOf(from_client);
  if (side.closed || left == 0) return;
  std::string bytes(std::min<size_t>(kReadBytes, static_cast<size_t>(left)), '\0');
  const ssize_t got = ::recv(side.socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got < 0 && IsLater()) return;
  if (got < 0) return Cut();
  if (got == 0) {
    side.closed = true;
    return;
  }
  bytes.resize(static_cast<size_t>(got));
  if (Drops(bytes, from_client)) return Cut();
  side.passed += got;
  side.in.Push(std::move(bytes), now);
}

bool ChaosLink::Drops(const std::string& bytes, bool from_client) {
  if (from_client) {
    exchange_.FromClient(bytes);
    return false;
  }
  if (!exchange_.FromServer(bytes)) return false;
  ++counts_.answers;
  if (treatment_.drop_every == 0 || counts_.answers % treatment_.drop_every != 0) return false;
  ++counts_.dropped;
  return true;
}

void ChaosLink::Flush(Side& from, Side& to, ChaosTime now) {
  if (!from.in.WriteTo(to.socket.get(), now)) return Cut();
  if (from.closed && from.in.empty()) ::shutdown(to.socket.get(), SHUT_WR);
}

// Does what its time has come for, once everything before it has passed.
void ChaosLink::Conclude() {
  if (half_open_ || !client_.in.empty() || !server_.in.empty()) return;
  if (Reached(treatment_.cut_after, client_.passed, server_.passed)) return Cut();
  if (Reached(treatment_.half_open_after, client_.passed, server_.passed)) return HalfOpen();
  ended_ = client_.closed && server_.closed;
}

void ChaosLink::Cut() {
  if (ended_) return;
  Reset(client_.socket);
  Reset(server_.socket);
  ended_ = true;
  ++counts_.cut;
}

void ChaosLink::HalfOpen() {
  if (ended_ || half_open_) return;
  half_open_ = true;
  ++counts_.half_open;
}

}  // namespace gradus::test_support
