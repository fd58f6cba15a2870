// SPDX-License-Identifier: Apache-2.0
// A connection between each two ranks of a meeting, over which both ends have proved who they are.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/descriptor.h"
#include "engine/collective/handshake.h"

namespace gradus::collective {

// Where the ranks of a meeting leave each other notes before they are connected. Both may take
// their time; UNAVAILABLE and DEADLINE_EXCEEDED are tried again, any other error ends the meeting.
struct Notes {
  std::function<absl::Status(const std::string& key, const std::string& value)> put;
  // Those that are there; others are left out.
  std::function<absl::StatusOr<std::map<std::string, std::string>>(
      const std::vector<std::string>& keys)>
      get;
};

struct MeshOptions {
  Identity self;
  std::string address;  // in digits; this rank listens there until all are connected
  Notes notes;
  std::chrono::milliseconds timeout{10'000};
  // Asked all the while: true gives up. May be empty.
  std::function<bool()> aborted;
};

// Connects this rank with all others; by rank, this one's own place is left empty. The sockets do
// not block. Strangers who connect are dropped and change nothing.
//   Errors   UNAVAILABLE when the time is over, ABORTED, PERMISSION_DENIED when a rank's address
//            leads to one that does not know the secret, those of `notes`.
absl::StatusOr<std::vector<base::Descriptor>> ConnectMesh(const MeshOptions& options);

}  // namespace gradus::collective
