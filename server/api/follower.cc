// SPDX-License-Identifier: Apache-2.0
#include "server/api/follower.h"

#include <algorithm>
#include <utility>

namespace gradus::api {
namespace {

// A stalled watcher holds one page here and one copy in the transport: well below 256 KiB together.
constexpr size_t kPageBytes = 64 << 10;
constexpr int kPageEvents = 256;

// All streams together send about this many pages a second near their logs' ends, and each at least
// two.
constexpr int64_t kPagesPerSecond = 1000;
constexpr int64_t kLeastSpacingMicros = 20'000;
constexpr int64_t kMostSpacingMicros = 500'000;

// Whether the page filled up, so that more is waiting behind it.
bool IsFull(const std::vector<v1::Event>& events) {
  size_t bytes = 0;
  for (const v1::Event& event : events) bytes += event.ByteSizeLong();
  return events.size() >= kPageEvents / 2 || bytes >= kPageBytes / 2;
}

}  // namespace

Follower::Follower(const FollowQuery& query, events::EventLog& log, WorkPool& pool, StreamHub& hub,
                   Sink* sink)
    : log_(log), hub_(hub), sink_(sink), wait_(query.wait), strand_(pool), job_(query.job) {
  options_.after_seq = query.after_seq;
  options_.kind = query.kind;
  options_.limit = kPageEvents;
  options_.max_bytes = kPageBytes;
}

void Follower::Start() {
  strand_.Post([self = shared_from_this()] { self->Begin(); });
}

void Follower::Sent(bool ok) {
  strand_.Post([self = shared_from_this(), ok] {
    self->sending_ = false;
    if (!self->stop_.ok()) return self->End(self->stop_);
    if (!ok) return self->End(absl::CancelledError("the client has gone away"));
    if (self->closed_) return self->End(absl::OkStatus());
    self->StepWhenDue();
  });
}

void Follower::Cancel() {
  strand_.Post([self = shared_from_this()] {
    self->Stop(absl::CancelledError("the client has gone away"));
  });
}

void Follower::Begin() {
  if (ended_) return;
  const absl::Status admitted = sink_->Admit();
  if (!admitted.ok()) return End(admitted);
  // Weak: the subscription is this object's own, and must not keep it alive.
  std::weak_ptr<Follower> weak = weak_from_this();
  membership_ = hub_.Join([weak] {
    if (auto self = weak.lock()) {
      Follower* follower = self.get();
      follower->strand_.Post([self = std::move(self)] {
        self->Stop(absl::UnavailableError("the server is stopping: watch again from the last seq"));
      });
    }
  });
  if (wait_) {
    subscription_ = log_.Subscribe(job_, [weak] {
      if (auto self = weak.lock()) self->Wake();
    });
  }
  Step();
}

void Follower::Wake() {
  if (wake_posted_.exchange(true)) return;
  strand_.Post([self = shared_from_this()] {
    self->wake_posted_ = false;
    self->StepWhenDue();
  });
}

void Follower::StepWhenDue() {
  if (ended_ || sending_ || waiting_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now >= due_) return Step();
  waiting_ = true;
  strand_.PostAfter(std::chrono::ceil<std::chrono::microseconds>(due_ - now),
                    [self = shared_from_this()] {
                      self->waiting_ = false;
                      self->StepWhenDue();
                    });
}

void Follower::Step() {
  while (true) {
    absl::StatusOr<events::Page> page = log_.Read(job_, options_);
    if (!page.ok()) return End(page.status());
    const bool moved = page->next_after > options_.after_seq;
    options_.after_seq = page->next_after;
    if (!page->events.empty()) {
      closed_ = page->closed;
      sending_ = true;
      if (!IsFull(page->events)) {
        const int64_t spacing = std::clamp(hub_.size() * 1'000'000 / kPagesPerSecond,
                                           kLeastSpacingMicros, kMostSpacingMicros);
        due_ = std::chrono::steady_clock::now() + std::chrono::microseconds(spacing);
      }
      return sink_->Send(std::move(page->events));
    }
    if (page->closed || (!moved && !wait_)) return End(absl::OkStatus());
    if (!moved) return;
  }
}

void Follower::Stop(const absl::Status& status) {
  if (ended_ || !stop_.ok()) return;
  stop_ = status;
  if (!sending_) End(status);
}

void Follower::End(const absl::Status& status) {
  if (ended_) return;
  ended_ = true;
  subscription_.reset();
  membership_.reset();
  sink_->End(status);
}

}  // namespace gradus::api
