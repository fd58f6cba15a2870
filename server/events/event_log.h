// SPDX-License-Identifier: Apache-2.0
// Each job's numbered, stored story, and the wake-ups of those who follow it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "gradus/v1/events.pb.h"
#include "server/store/store.h"

namespace gradus::events {

struct Page {
  std::vector<v1::Event>
      events;              // consecutive seq from after_seq + 1 (with a kind filter: rising seq)
  int64_t next_after = 0;  // what to ask for after this page
  bool closed = false;  // the log has ended and this page reaches its end: nothing will ever follow
};

struct ReadOptions {
  int64_t after_seq = 0;
  int limit = 256;
  size_t max_bytes =
      256 * 1024;  // the page stops after the event that passes it; at least one event comes
  // Only events of this kind; KIND_NOT_SET for all. next_after then moves on over the others, too.
  v1::Event::KindCase kind = v1::Event::KIND_NOT_SET;
};

// A subscriber's hold on a log: wake-ups end when it is destroyed; the destructor waits for one
// that is under way on another thread.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

// Watching is: Subscribe, then Read from the cursor until a page is empty, then wait for a wake-up,
// and again. Events are in the store before anyone is woken; there is no queue for a watcher, so a
// slow one costs nothing.
//   Owns     the tables event_logs and events. Store and clock must outlive it.
//   Threads  any.
class EventLog {
 public:
  EventLog(store::Store* store, base::Clock* clock);
  ~EventLog();

  // Begins a job's log, in the transaction that makes the job.
  absl::Status Begin(store::Tx& tx, const std::string& job);
  // Numbers and stores `events` (seq, time and attempt are set here, in place). Watchers wake after
  // the commit. FAILED_PRECONDITION when the log is closed.
  absl::Status Append(store::Tx& tx, const std::string& job, int32_t attempt,
                      std::span<v1::Event> events);
  // Appends the last event; nothing follows it.
  absl::Status Close(store::Tx& tx, const std::string& job, int32_t attempt, v1::Event& last);

  // NOT_FOUND without such a job, OUT_OF_RANGE when after_seq is beyond the last number (the
  // message names it).
  absl::StatusOr<Page> Read(const std::string& job, const ReadOptions& options) const;

  // Calls `wake` after each commit that appended to the job's log, on the committing thread: it
  // must only note the fact and hand work elsewhere; it may not block, read, or subscribe. Spurious
  // calls are possible. Subscribe first, read then, and no event is missed.
  std::unique_ptr<Subscription> Subscribe(const std::string& job, std::function<void()> wake);

  // Wakes those who follow the job's log, or all logs: another server has appended to it, or may
  // have.
  void Wake(const std::string& job);
  void WakeAll();

 private:
  class Watchers;
  store::Store* const store_;
  base::Clock* const clock_;
  const std::shared_ptr<Watchers> watchers_;
};

}  // namespace gradus::events
