// SPDX-License-Identifier: Apache-2.0
// One watcher of one job's events: a cursor into the store, and when to read, send and end. Knows
// nothing of the transport.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gradus/v1/events.pb.h"
#include "server/api/stream_hub.h"
#include "server/api/work_pool.h"
#include "server/events/event_log.h"

namespace gradus::api {

// What to follow.
struct FollowQuery {
  std::string job;
  int64_t after_seq = 0;
  // Only events of this kind; KIND_NOT_SET for all.
  v1::Event::KindCase kind = v1::Event::KIND_NOT_SET;
  // Wait for what is still to come; else end with what there is.
  bool wait = true;
};

// Sends pages one at a time: the next page is read when the one before has gone. A watcher that
// reads slowly therefore costs one page and no thread.
//   Owns     nothing but its place among the log's subscribers. Log, pool and hub must outlive it.
//   Threads  Start, Sent and Cancel from any; the sink is called from the pool, by one thread at a
//   time.
class Follower : public std::enable_shared_from_this<Follower> {
 public:
  // Where pages go. After End it is called no more.
  class Sink {
   public:
    virtual ~Sink() = default;
    // Checks that the caller may watch; may read the store.
    virtual absl::Status Admit() = 0;
    // Begins to send; Sent must follow.
    virtual void Send(std::vector<v1::Event> events) = 0;
    virtual void End(const absl::Status& status) = 0;
  };

  Follower(const FollowQuery& query, events::EventLog& log, WorkPool& pool, StreamHub& hub,
           Sink* sink);

  void Start();
  // The page has gone; false: the client is no longer there.
  void Sent(bool ok);
  // The client has gone away.
  void Cancel();

 private:
  void Begin();
  void Wake();
  // Steps now, or when the next page is due.
  void StepWhenDue();
  // Reads on from the cursor until there is a page to send, nothing more to wait for, or nothing
  // new.
  void Step();
  void Stop(const absl::Status& status);
  void End(const absl::Status& status);

  events::EventLog& log_;
  StreamHub& hub_;
  Sink* const sink_;
  const bool wait_;
  std::atomic<bool> wake_posted_ = false;
  Strand strand_;

  // Below: touched on the strand alone.
  events::ReadOptions options_;
  const std::string job_;
  std::chrono::steady_clock::time_point due_;  // of the next page
  bool waiting_ = false;                       // until due_
  bool sending_ = false;
  bool closed_ = false;  // the page being sent is the last
  bool ended_ = false;
  absl::Status stop_;  // not OK: end with it as soon as the page under way has gone
  std::unique_ptr<events::Subscription> subscription_;
  std::unique_ptr<StreamHub::Membership> membership_;
};

}  // namespace gradus::api
