// SPDX-License-Identifier: Apache-2.0
// How both ends of a connection find out that the other one is gone. In one place, since they must
// agree: a server ends connections whose clients ask too often.
#pragma once

#include <chrono>

namespace gradus::support {

struct Keepalive {
  // After so much silence the other end is pinged,
  std::chrono::milliseconds ping_after;
  // and after so much more without an answer the connection is given up.
  std::chrono::milliseconds answer_within;
};

// A dead connection ends well before a call's deadline (30 s), so that a retry on a new one can
// still succeed.
inline constexpr Keepalive kClientKeepalive = {std::chrono::seconds(10), std::chrono::seconds(10)};
// What a client that is gone held is free after 30 s.
inline constexpr Keepalive kServerKeepalive = {std::chrono::seconds(20), std::chrono::seconds(10)};

// Pings from one client that come sooner after each other are an offence.
inline constexpr std::chrono::milliseconds kLeastPingSpacing = std::chrono::seconds(5);
static_assert(kLeastPingSpacing * 2 <= kClientKeepalive.ping_after);

}  // namespace gradus::support
