// SPDX-License-Identifier: Apache-2.0
// The meetings that the server calls, on their way to the run.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "engine/collective/group.h"
#include "engine/trainer/control.h"
#include "engine/trainer/workers.h"
#include "gradus/v1/worker_service.pb.h"
#include "server/worker/server_link.h"
#include "server/worker/watched_group.h"

namespace gradus::worker {

// Connects this rank with the others of `meeting`. Gives up soon after `given_up` is set.
using Connector = std::function<absl::StatusOr<std::unique_ptr<collective::Group>>(
    const v1::Meeting& meeting, const std::atomic<bool>& given_up)>;

// `link` must outlive what it makes.
using ConnectorFactory = std::function<Connector(ServerLink& link)>;

// The server calls a meeting because a rank was lost or has come. A run leaves the one before by
// itself: at a step that all ranks do together, or with an error when a rank's connections end. A
// rank that is frozen or cut off leaves its connections open, and who waits for it would wait for
// ever: so a group is ended from here when a newer meeting was called, the run has had a second to
// leave, and its wait has lasted for more than a second, for twice the longest wait before where
// steps take long, for 10 s at most. A group of a meeting that was said to be broken is ended as
// soon as a newer one is called, any group when all ends.
//   Owns     a thread; nothing of the groups that it gives, which may outlive it.
//   Threads  Meet and Broken: the run's. All others: any.
class Meetings final : public trainer::Workers {
 public:
  // `beat` is called when Heartbeat has something new to say, on the thread of the run. A meeting
  // is waited for no longer when `control` asks for an end. All must outlive it.
  Meetings(Connector connect, std::function<void()> beat, const trainer::Control& control,
           base::Clock& clock);
  ~Meetings() override;

  // The server has called a meeting; one that is not newer than the newest is nothing new.
  void Announce(const v1::Meeting& meeting);
  // There will be no more.
  void End();
  v1::Heartbeat Heartbeat() const;

  // Where a stop is asked for, ranks that had met before still meet for up to 10 s, so that all of
  // them stop together and what they have done is saved.
  absl::StatusOr<trainer::Meeting> Meet(int64_t after) override;
  int64_t announced() const override;
  void Broken(int64_t generation, const absl::Status& why) override;

 private:
  // The next one to connect.
  absl::StatusOr<v1::Meeting> AwaitMeeting(int64_t after);
  // The group, unless it is of no more use.
  std::unique_ptr<collective::Group> Take(const v1::Meeting& meeting,
                                          std::unique_ptr<collective::Group> group);
  bool IsOver(int64_t after, int64_t waited_micros) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Watch();
  // Waits for a group that is to be ended; null: there will be none.
  std::shared_ptr<GroupWatch> AwaitHanging();
  bool IsToBeLeft() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Hangs() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Connector connect_;
  const std::function<void()> beat_;
  const trainer::Control& control_;
  base::Clock& clock_;
  // Of the meeting that is being connected.
  std::atomic<bool> given_up_{false};

  mutable base::Mutex mu_;
  base::CondVar changed_;
  v1::Meeting newest_ ABSL_GUARDED_BY(mu_);
  // Since when there is a newer one than the run has; monotonic.
  int64_t announced_micros_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t broken_ ABSL_GUARDED_BY(mu_) = 0;  // the newest generation said to be so
  std::string reason_ ABSL_GUARDED_BY(mu_);
  // Of the group that the run has; null when it has left it.
  std::shared_ptr<GroupWatch> in_use_ ABSL_GUARDED_BY(mu_);
  int64_t in_use_generation_ ABSL_GUARDED_BY(mu_) = 0;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  std::thread watcher_;
};

}  // namespace gradus::worker
