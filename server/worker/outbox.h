// SPDX-License-Identifier: Apache-2.0
// Events on their way to the server: kept until it has stored them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/files.h"
#include "engine/base/mutex.h"
#include "gradus/v1/worker_service.pb.h"
#include "server/worker/spool.h"

namespace gradus::worker {

struct OutboxLimits {
  size_t memory_bytes = size_t{1} << 20;  // of events not sent yet; more go to the spool
  size_t spool_bytes =
      size_t{64}
      << 20;  // beyond, progress and finished epochs are left out, and a warning says how many
  size_t batch_bytes = size_t{128} << 10;   // about; one event at least
  size_t window_bytes = size_t{512} << 10;  // sent and not acknowledged
};

// A queue with numbers: an event gets its worker_seq when it is first sent and keeps it, so that
// what is left out leaves no gap.
//   Threads  any. The spool is used under the lock: it is this process's own small file, and only
//   in an outage.
class Outbox {
 public:
  Outbox(base::Files& files, const std::string& spool_path, const OutboxLimits& limits = {});

  // `event` without a number. Never waits.
  void Push(v1::WorkerEvent event);

  // For the sender of a stream: waits until there is something to send within the window, then
  // gives it, numbered; an empty batch when there is none until `deadline_micros` in `clock`'s
  // monotonic time, or when Wake was called. Nothing once the stream was closed by CloseStream or
  // all ends.
  std::optional<v1::EventBatch> NextBatch(
      base::Clock& clock = base::RealClock(),
      int64_t deadline_micros = std::numeric_limits<int64_t>::max());
  // The sender has something else to say.
  void Wake();
  // A new stream may send: `acked` is what the server has; all that came after is sent again.
  void OpenStream(int64_t acked);
  void CloseStream();

  // Everything up to `worker_seq` is durable.
  void Ack(int64_t worker_seq);

  // Waits until everything pushed so far is acknowledged. False when Shutdown came first.
  bool Flush();
  // Ends all waiting, for good.
  void Shutdown();

  // Events left out so far.
  int64_t left_out() const;

 private:
  struct Numbered {
    v1::WorkerEvent event;
    size_t bytes;
  };

  bool CanSend() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Keep(v1::WorkerEvent event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Enqueue(v1::WorkerEvent event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Refill() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WarnOfLeftOut() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Empty() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return sent_.empty() && !Waiting(); }
  bool Waiting() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !waiting_.empty() || !spool_.empty() || !behind_spool_.empty();
  }
  void TakeWaiting(v1::EventBatch* batch, size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  size_t Resend(v1::EventBatch* batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const OutboxLimits limits_;
  mutable base::Mutex mu_;
  base::CondVar changed_;
  // In order: sent and unacknowledged (numbered), waiting in memory, waiting in the spool, and what
  // the spool could not take.
  std::deque<Numbered> sent_ ABSL_GUARDED_BY(mu_);
  std::deque<Numbered> waiting_ ABSL_GUARDED_BY(mu_);
  Spool spool_ ABSL_GUARDED_BY(mu_);
  std::deque<v1::WorkerEvent> behind_spool_ ABSL_GUARDED_BY(mu_);
  size_t sent_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  size_t waiting_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  size_t resend_ ABSL_GUARDED_BY(mu_) = 0;  // of sent_: this stream has sent those before
  int64_t next_seq_ ABSL_GUARDED_BY(mu_) = 1;
  bool open_ ABSL_GUARDED_BY(mu_) = false;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  bool shut_down_ ABSL_GUARDED_BY(mu_) = false;
  int64_t left_out_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t left_out_told_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace gradus::worker
