// SPDX-License-Identifier: Apache-2.0
// Three queues in a row, and the rule that only what was never sent may be left out.
#include "server/worker/outbox.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"

namespace gradus::worker {
namespace {

// Events that come by the thousand and of which the next one says more: all others are always kept.
bool Dispensable(const v1::WorkerEvent& event) {
  return event.has_event() && (event.event().has_progress() || event.event().has_epoch_finished());
}

}  // namespace

Outbox::Outbox(base::Files& files, const std::string& spool_path, const OutboxLimits& limits)
    : limits_(limits), spool_(files, spool_path) {}

void Outbox::Push(v1::WorkerEvent event) {
  base::MutexLock lock(mu_);
  Enqueue(std::move(event));
  changed_.SignalAll();
}

void Outbox::Keep(v1::WorkerEvent event) {
  const size_t bytes = event.ByteSizeLong();
  waiting_bytes_ += bytes;
  waiting_.push_back({std::move(event), bytes});
}

void Outbox::Enqueue(v1::WorkerEvent event) {
  if (spool_.empty() && behind_spool_.empty() && waiting_bytes_ < limits_.memory_bytes)
    return Keep(std::move(event));
  const bool dispensable = Dispensable(event);
  if (dispensable && (spool_.size() >= limits_.spool_bytes || !behind_spool_.empty())) {
    ++left_out_;
    return;
  }
  if (behind_spool_.empty()) {
    const absl::Status spooled = spool_.Push(event.SerializeAsString());
    if (spooled.ok()) return;
    base::LogWarning("the event spool cannot be written", {{"error", spooled}});
  }
  if (dispensable) {
    ++left_out_;
  } else {
    behind_spool_.push_back(std::move(event));
  }
}

// Brings later events into memory as there is room.
void Outbox::Refill() {
  while (!spool_.empty() && waiting_bytes_ < limits_.memory_bytes / 2) {
    absl::StatusOr<std::string> record = spool_.Pop();
    v1::WorkerEvent event;
    if (!record.ok() || !event.ParseFromString(*record)) {
      base::LogError("the event spool cannot be read", {{"error", record.status()}});
      spool_.Clear();
      ++left_out_;
      break;
    }
    Keep(std::move(event));
  }
  if (!spool_.empty()) return;
  while (!behind_spool_.empty()) {
    Keep(std::move(behind_spool_.front()));
    behind_spool_.pop_front();
  }
}

void Outbox::WarnOfLeftOut() {
  if (left_out_ == left_out_told_ || !spool_.empty()) return;
  v1::WorkerEvent warning;
  v1::LogLine* line = warning.mutable_event()->mutable_log_line();
  line->set_level(v1::LogLine::WARNING);
  line->set_text(absl::StrCat(left_out_ - left_out_told_,
                              " progress events were left out while the server was away"));
  left_out_told_ = left_out_;
  Enqueue(std::move(warning));
}

bool Outbox::CanSend() const {
  return resend_ < sent_.size() || (Waiting() && sent_bytes_ < limits_.window_bytes);
}

// Adds what an earlier stream sent; returns the batch's bytes.
size_t Outbox::Resend(v1::EventBatch* batch) {
  size_t bytes = 0;
  for (; resend_ < sent_.size() &&
         (bytes == 0 || bytes + sent_[resend_].bytes <= limits_.batch_bytes);
       ++resend_) {
    bytes += sent_[resend_].bytes;
    *batch->add_events() = sent_[resend_].event;
  }
  return bytes;
}

// Numbers and adds what was never sent.
void Outbox::TakeWaiting(v1::EventBatch* batch, size_t bytes) {
  Refill();
  WarnOfLeftOut();
  while (!waiting_.empty() &&
         (bytes == 0 || bytes + waiting_.front().bytes <= limits_.batch_bytes)) {
    Numbered next = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= next.bytes;
    next.event.set_worker_seq(next_seq_++);
    bytes += next.bytes;
    sent_bytes_ += next.bytes;
    *batch->add_events() = next.event;
    sent_.push_back(std::move(next));
    ++resend_;
  }
}

std::optional<v1::EventBatch> Outbox::NextBatch(base::Clock& clock, int64_t deadline_micros) {
  base::MutexLock lock(mu_);
  v1::EventBatch batch;
  while (batch.events_size() == 0) {
    const bool in_time = clock.WaitUntil(mu_, changed_, deadline_micros, [this]() {
      mu_.AssertHeld();
      return shut_down_ || !open_ || woken_ || CanSend();
    });
    if (shut_down_ || !open_) return std::nullopt;
    if (std::exchange(woken_, false) || !in_time) break;
    const size_t bytes = Resend(&batch);
    if (resend_ == sent_.size()) TakeWaiting(&batch, bytes);
  }
  return batch;
}

void Outbox::Wake() {
  base::MutexLock lock(mu_);
  woken_ = true;
  changed_.SignalAll();
}

void Outbox::OpenStream(int64_t acked) {
  Ack(acked);
  base::MutexLock lock(mu_);
  open_ = true;
  resend_ = 0;
  changed_.SignalAll();
}

void Outbox::CloseStream() {
  base::MutexLock lock(mu_);
  open_ = false;
  changed_.SignalAll();
}

void Outbox::Ack(int64_t worker_seq) {
  base::MutexLock lock(mu_);
  while (!sent_.empty() && sent_.front().event.worker_seq() <= worker_seq) {
    sent_bytes_ -= sent_.front().bytes;
    sent_.pop_front();
    if (resend_ > 0) --resend_;
  }
  changed_.SignalAll();
}

bool Outbox::Flush() {
  base::MutexLock lock(mu_);
  changed_.Wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return shut_down_ || Empty(); });
  return Empty();
}

void Outbox::Shutdown() {
  base::MutexLock lock(mu_);
  shut_down_ = true;
  changed_.SignalAll();
}

int64_t Outbox::left_out() const {
  base::MutexLock lock(mu_);
  return left_out_;
}

}  // namespace gradus::worker
