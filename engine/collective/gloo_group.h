// SPDX-License-Identifier: Apache-2.0
// Ranks that Gloo connects: over TCP, wherever they run.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "engine/collective/group.h"
#include "engine/collective/handshake.h"
#include "engine/collective/mesh.h"

namespace gradus::collective {

struct GlooOptions {
  Identity self;
  // As OwnAddress (own_address.h) understands them: the network between ranks, and the host of the
  // server, by the way to which this rank's address is chosen where `network` is empty.
  std::string network;
  std::string server_host;
  Notes notes;
  std::chrono::milliseconds connect_timeout{10'000};
  // A wait this long ends the group. Slow ranks are not dead ones: who is, others find out, and
  // then call Abort.
  std::chrono::milliseconds silence_timeout{600'000};
  // Asked while connecting: true gives up. May be empty.
  std::function<bool()> aborted;
};

// Connects the ranks of a meeting, all of which call this at about the same time. Ranks prove to
// each other that they know the secret before Gloo sees their connection; nothing is encrypted.
// The process must ignore SIGPIPE. A message that is longer than the Receive it meets breaks the
// group; a shorter one is not noticed. After an error nothing of the group's touches memory that
// was lent to it.
//   Errors   those of ConnectMesh (mesh.h) and OwnAddress.
absl::StatusOr<std::unique_ptr<Group>> ConnectGloo(const GlooOptions& options);

}  // namespace gradus::collective
