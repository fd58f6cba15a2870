// SPDX-License-Identifier: Apache-2.0
// This server as one of several on a store: leads when it is its turn, hears what the others
// change.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "engine/base/files.h"
#include "server/auth/tokens.h"
#include "server/events/event_log.h"
#include "server/jobs/jobs.h"
#include "server/leadership.h"
#include "server/store/announcements.h"
#include "server/store/lease.h"
#include "server/store/store.h"

namespace gradus::server {

//   Owns     its threads (leadership.h, announcements.h). The parts must outlive it.
//   Threads  Prepare, Join and Leave: one, in this order; all others any.
class Sharing {
 public:
  struct Parts {
    store::Store* store = nullptr;
    auth::Tokens* tokens = nullptr;
    events::EventLog* events = nullptr;
    base::Files* files = nullptr;
    base::Clock* clock = nullptr;
    std::string id;           // ServerId
    std::string leader_file;  // LeaderFile
  };

  explicit Sharing(Parts parts) : parts_(std::move(parts)) {}

  // Has jobs that are made of `parts` and `options` lead only when it is this server's turn.
  void Prepare(jobs::JobsParts& parts, jobs::JobsOptions& options);
  // From now on it may lead; it is reached at `address`. `jobs` must outlive Leave.
  void Join(jobs::Jobs& jobs, const std::string& address);
  bool leads() const;
  // Takes the lead no more; keeps it while it has it.
  void NoMore();
  // Lets the lead go and hears no more. Also before the end of what it uses.
  void Leave();

 private:
  absl::Status Lead(jobs::Jobs& jobs, const std::string& address);
  void Changed(jobs::Jobs& jobs, const std::string& topic, const std::string& object);
  void Reload();

  const Parts parts_;
  std::unique_ptr<store::Lease> lease_;
  std::unique_ptr<Leadership> leadership_;
  // The same from when it begins to when it ends, for other threads.
  std::atomic<Leadership*> known_ = nullptr;
  std::unique_ptr<store::Announcements> announcements_;
};

}  // namespace gradus::server
