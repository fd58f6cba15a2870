// SPDX-License-Identifier: Apache-2.0
// Plays one flow of calls to a server again and again, each time with a fault at another file
// operation.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "tests/support/stored_server.h"

namespace gradus::robustness {

using test_support::StoredServer;

// A client that remembers what it was told, whatever happens to the server.
class Flow {
 public:
  virtual ~Flow() = default;

  // Looks whether everything acknowledged so far is there (a failed test if not), then does what is
  // still to do, up to the end. An error when the server failed meanwhile: it will be called again
  // on the next server.
  virtual absl::Status Go(StoredServer& server) = 0;

  int acknowledged() const { return acknowledged_; }

 protected:
  void Acknowledged() { ++acknowledged_; }

 private:
  int acknowledged_ = 0;
};

// What happens at the n-th operation that changes a file.
enum class Fault {
  kPowerCut,  // the power goes: unsynced writes and names are dropped, torn or kept, ranks die
  kKill,      // the server's process dies, its ranks and the kernel's memory live on
  kEio,       // the operation fails, and whatever the store says of it the server does
  kEnospc,    // the same for a full disk
  kLostSync   // the n-th sync fails, and what it was asked for never reaches the platter
};

struct WalkReport {
  int cases = 0;
  int broken_off = 0;  // of these, the first try did not reach the end
  int stopped = 0;     // the server took the fault for one that it may not live with
};

// For each n from the flow's beginning until it is through: plays it with the fault, then on a new
// server until it is done, then cuts the power and looks again whether all is there. Each server is
// verified before it is used, and nothing may be acknowledged once the store has told of a fault.
//   The short form takes some of the operations, another part of them in each round of seeds; with
//   GRADUS_POWER_CUTS=all in the environment all of them, and more seeds.
WalkReport Walk(Fault fault, const std::function<std::unique_ptr<Flow>()>& new_flow);

// The same for the operations of an empty machine's first start, which Walk leaves out.
WalkReport WalkFirstStart(Fault fault, const std::function<std::unique_ptr<Flow>()>& new_flow);

}  // namespace gradus::robustness
