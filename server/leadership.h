// SPDX-License-Identifier: Apache-2.0
// Which of the servers on one store leads: schedules, takes ranks, tidies up.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "server/store/lease.h"

namespace gradus::server {

inline constexpr int64_t kRenewMicros = 2'000'000;

// Renews the lease while it is held and asks for it while it is not, on a thread of its own, and
// has this server begin and cease to lead. One that could not renew for the lease's length has
// ceased before another may begin.
//   Owns     the thread. Lease, store and clock must outlive it; its end lets the lease go.
//   Threads  public members: any.
class Leadership {
 public:
  struct Parts {
    store::Store* store = nullptr;
    store::Lease* lease = nullptr;
    base::Clock* clock = nullptr;
    // This server's row in the table of servers.
    std::string id;
    std::string address;
    // Begins to lead; the lease is let go after an error. Both are called on the thread.
    std::function<absl::Status()> lead;
    // Ceases to; also called where `lead` failed.
    std::function<void()> follow;
  };

  explicit Leadership(Parts parts) : parts_(std::move(parts)) {}
  ~Leadership();

  void Start();

  bool leads() const;
  // HOST:PORT of the server that leads as far as is known here; may be empty.
  std::string leader() const;

  // Has the lease looked at now: another server has let it go.
  void Look();
  // Ceases to lead and begins anew where the lease is still ours: what leads has lost track.
  void BeginAnew();
  // Asks for the lease no more; keeps it while it has it.
  void NoMore();

 private:
  void Run();
  // One look at the lease, and what follows from it.
  void Round(bool anew, bool no_more);
  void Cease();
  absl::Status WriteServer();

  const Parts parts_;
  // The thread's own.
  int64_t held_until_ = 0;  // monotonic
  mutable base::Mutex mu_;
  base::CondVar changed_;
  bool look_ ABSL_GUARDED_BY(mu_) = false;
  bool anew_ ABSL_GUARDED_BY(mu_) = false;
  bool no_more_ ABSL_GUARDED_BY(mu_) = false;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  bool leads_ ABSL_GUARDED_BY(mu_) = false;
  std::string leader_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace gradus::server
