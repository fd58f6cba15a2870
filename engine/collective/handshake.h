// SPDX-License-Identifier: Apache-2.0
// How two ranks that a connection joins prove to each other who they are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/random.h"

namespace gradus::collective {

// A rank of one meeting.
struct Identity {
  int64_t generation = 0;
  int rank = 0;
  int size = 1;
  std::string secret;  // what all ranks of the meeting know, and nobody else
};

// One end of a connection until both ends are known to each other. The caller says who it is and
// whom it calls; each end then shows an HMAC-SHA256 under the secret of both their names, its own
// role and both ends' random numbers. Nobody learns anything of the secret, and nothing that was
// heard before is of use. The last byte tells the caller that it was let in.
//   Owns     no connection: bytes go through to_send and Received.
//   Threads  one.
class Handshake {
 public:
  // The end of `self`, which calls `peer`.
  static Handshake Call(const Identity& self, int peer,
                        base::RandomSource& random = base::SystemRandom());
  // The end of `self`, which was called by it knows not whom.
  static Handshake Answer(const Identity& self, base::RandomSource& random = base::SystemRandom());

  // What is to be sent next; Sent says how much of it was.
  std::span<const std::byte> to_send() const { return std::span(out_).subspan(sent_); }
  void Sent(size_t count) { sent_ += count; }
  // How many bytes are to be received next; never one that does not belong to the handshake.
  size_t wanted() const { return wanted_ - in_.size(); }
  // `bytes` have come, wanted() at most.
  //   Errors   PERMISSION_DENIED: not a rank of this meeting. To be dropped then.
  absl::Status Received(std::span<const std::byte> bytes);

  // Nothing is left to be sent or received, and the peer is who it says.
  bool done() const { return wanted_ == 0 && to_send().empty(); }
  // The rank at the other end; where this end answers, known once done.
  int peer() const { return peer_; }

 private:
  enum class Await { kHello, kAnswer, kProof, kWelcome, kNothing };
  using Nonce = std::array<std::byte, 32>;

  Handshake(const Identity& self, bool caller, base::RandomSource& random);
  absl::Status Understand();
  absl::Status ReadHello();
  std::string Proof(bool of_caller) const;
  bool Proves(size_t at, bool of_caller) const;
  void Say(std::string bytes);
  void Expect(Await what);

  Identity self_;
  bool caller_;
  int peer_ = -1;
  Nonce own_nonce_;
  Nonce peer_nonce_{};
  Await await_ = Await::kNothing;
  size_t wanted_ = 0;
  std::string in_;
  std::vector<std::byte> out_;
  size_t sent_ = 0;
};

}  // namespace gradus::collective
