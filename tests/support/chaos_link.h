// SPDX-License-Identifier: Apache-2.0
// One connection through the chaos proxy: two sockets, and what happens to the bytes between them.
#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>

#include "engine/base/descriptor.h"
#include "tests/support/tls_exchange.h"

namespace gradus::test_support {

using ChaosTime = std::chrono::steady_clock::time_point;

// Bytes from the client (up) and from the server (down); at the first one that is reached something
// happens. 0 is at once.
struct ByteMark {
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  int64_t up = kNever;
  int64_t down = kNever;
};

// What a connection goes through; the default is none of it.
struct Treatment {
  // Bytes arrive so much later, in both directions.
  std::chrono::microseconds delay{0};
  // At most, in each direction; 0: no limit.
  int64_t bytes_per_second = 0;
  // Exactly so many bytes pass, then both ends see a reset.
  ByteMark cut_after;
  // Exactly so many bytes pass, then none, and both ends stay open.
  ByteMark half_open_after;
  // Of the answers (tls_exchange.h) that all connections of the proxy get, each N-th is thrown away
  // and its connection cut; 0: none.
  int64_t drop_every = 0;
};

struct ChaosCounts {
  int64_t connections = 0;
  int64_t cut = 0;
  int64_t half_open = 0;
  // Answers that servers gave, and those of them that no client got.
  int64_t answers = 0;
  int64_t dropped = 0;
};

// One direction: bytes wait here for their time.
class ChaosLane {
 public:
  explicit ChaosLane(const Treatment& treatment) : treatment_(treatment) {}

  bool HasRoom() const { return bytes_ < kMostBytes; }
  bool empty() const { return queue_.empty(); }
  void Push(std::string bytes, ChaosTime now);
  // When the next write is due; nothing when there is none to make.
  std::optional<ChaosTime> Due() const;
  // Writes what is due and fits; false when the socket is broken.
  bool WriteTo(int socket, ChaosTime now);

 private:
  static constexpr size_t kMostBytes = 256 << 10;
  struct Piece {
    ChaosTime due;
    std::string bytes;
  };

  const Treatment& treatment_;
  std::deque<Piece> queue_;
  size_t bytes_ = 0;
  ChaosTime free_at_;  // when the rate allows the next byte
};

//   Threads  one at a time.
class ChaosLink {
 public:
  // Sockets that do not block. `counts` must outlive it.
  ChaosLink(base::Descriptor client, base::Descriptor server, const Treatment& treatment,
            ChaosCounts& counts);
  ChaosLink(const ChaosLink&) = delete;
  ChaosLink& operator=(const ChaosLink&) = delete;

  bool ended() const { return ended_; }
  // What to wait for: the client's socket and the server's, and until when at most.
  std::array<pollfd, 2> Interests(ChaosTime now) const;
  std::optional<ChaosTime> NextDue(ChaosTime now) const;
  // Moves bytes; `ready` as poll left it.
  void Serve(const std::array<pollfd, 2>& ready, ChaosTime now);

  void Cut();
  void HalfOpen();

 private:
  struct Side {
    base::Descriptor socket;
    ChaosLane in;         // towards this side's peer
    int64_t passed = 0;   // bytes from it
    bool closed = false;  // it sends no more
  };

  void Receive(Side& side, bool from_client, ChaosTime now);
  bool Drops(const std::string& bytes, bool from_client);
  int64_t LeftOf(bool from_client) const;
  void Flush(Side& from, Side& to, ChaosTime now);
  void Conclude();

  const Treatment treatment_;
  ChaosCounts& counts_;
  Side client_;
  Side server_;
  TlsExchange exchange_;
  bool half_open_ = false;
  bool ended_ = false;
};

}  // namespace gradus::test_support
