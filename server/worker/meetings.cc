// SPDX-License-Identifier: Apache-2.0
// One lock over what is known; connecting, and ending a group, are done without it.
#include "server/worker/meetings.h"

#include <algorithm>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/status.h"

namespace gradus::worker {
namespace {

// A run that is well leaves its meeting within this, unless its steps take longer.
constexpr int64_t kToLeaveMicros = 1'000'000;
constexpr int64_t kLongWaitMicros = 1'000'000;
constexpr int64_t kLongestWaitMicros = 10'000'000;
// How often a wait is measured, and a request to end looked for.
constexpr int64_t kLookMicros = 100'000;
// The server finds out who is lost within half of this.
constexpr int64_t kToStopTogetherMicros = 10'000'000;
constexpr size_t kMaxReason = 1024;

constexpr int kMostRanks = 1024;

bool IsSound(const v1::Meeting& meeting) {
  return meeting.generation() > 0 && meeting.size() >= 1 && meeting.size() <= kMostRanks &&
         meeting.rank() >= 0 && meeting.rank() < meeting.size();
}

}  // namespace

Meetings::Meetings(Connector connect, std::function<void()> beat, const trainer::Control& control,
                   base::Clock& clock)
    : connect_(std::move(connect)),
      beat_(std::move(beat)),
      control_(control),
      clock_(clock),
      watcher_([this] { Watch(); }) {}

Meetings::~Meetings() {
  End();
  {
    base::MutexLock lock(mu_);
    closing_ = true;
    changed_.SignalAll();
  }
  watcher_.join();
}

void Meetings::Announce(const v1::Meeting& meeting) {
  if (!IsSound(meeting)) {
    base::LogError(
        "the server has called a meeting that is none",
        {{"generation", meeting.generation()}, {"rank", meeting.rank()}, {"size", meeting.size()}});
    return;
  }
  base::MutexLock lock(mu_);
  if (meeting.generation() <= newest_.generation()) return;
  if (!IsToBeLeft()) announced_micros_ = clock_.MonotonicMicros();
  newest_ = meeting;
  given_up_ = true;
  changed_.SignalAll();
}

void Meetings::End() {
  base::MutexLock lock(mu_);
  ended_ = true;
  given_up_ = true;
  changed_.SignalAll();
}

v1::Heartbeat Meetings::Heartbeat() const {
  base::MutexLock lock(mu_);
  v1::Heartbeat heartbeat;
  heartbeat.set_generation(newest_.generation());
  if (newest_.generation() > 0 && broken_ == newest_.generation()) {
    heartbeat.set_broken(true);
    heartbeat.set_reason(reason_);
  } else if (in_use_ != nullptr) {
    heartbeat.set_waiting_seconds(static_cast<double>(in_use_->waiting_micros()) * 1e-6);
  }
  return heartbeat;
}

int64_t Meetings::announced() const {
  base::MutexLock lock(mu_);
  return newest_.generation();
}

void Meetings::Broken(int64_t generation, const absl::Status& why) {
  base::LogWarning("a meeting of the job's ranks is broken",
                   {{"generation", generation}, {"error", why}});
  {
    base::MutexLock lock(mu_);
    broken_ = std::max(broken_, generation);
    reason_ = std::string(why.message().substr(0, kMaxReason));
    changed_.SignalAll();
  }
  beat_();
}

absl::StatusOr<trainer::Meeting> Meetings::Meet(int64_t after) {
  while (true) {
    ASSIGN_OR_RETURN(const v1::Meeting meeting, AwaitMeeting(after));
    absl::StatusOr<std::unique_ptr<collective::Group>> group = connect_(meeting, given_up_);
    if (!group.ok()) {
      if (!given_up_) Broken(meeting.generation(), group.status());
      after = std::max(after, meeting.generation());
    } else if (std::unique_ptr<collective::Group> taken = Take(meeting, *std::move(group))) {
      return trainer::Meeting{.generation = meeting.generation(), .group = std::move(taken)};
    }
  }
}

bool Meetings::IsOver(int64_t after, int64_t waited_micros) const {
  switch (control_.request()) {
    case trainer::Control::Request::kNone:
      return ended_;
    case trainer::Control::Request::kStop:
      return ended_ || (newest_.generation() <= after &&
                        (after == 0 || waited_micros >= kToStopTogetherMicros));
    case trainer::Control::Request::kCancel:
      return true;
  }
  return true;
}

absl::StatusOr<v1::Meeting> Meetings::AwaitMeeting(int64_t after) {
  base::MutexLock lock(mu_);
  in_use_ = nullptr;
  const int64_t begun = clock_.MonotonicMicros();
  const auto is_over = [&]() {
    mu_.AssertHeld();
    return IsOver(after, clock_.MonotonicMicros() - begun);
  };
  const auto is_called = [&]() {
    mu_.AssertHeld();
    return newest_.generation() > after;
  };
  while (!is_over() && !is_called())
    clock_.WaitFor(mu_, changed_, kLookMicros, [&] { return is_over() || is_called(); });
  if (is_over()) return absl::CancelledError("the run is to end");
  given_up_ = false;
  return newest_;
}

std::unique_ptr<collective::Group> Meetings::Take(const v1::Meeting& meeting,
                                                  std::unique_ptr<collective::Group> group) {
  auto watch = std::make_shared<GroupWatch>(clock_);
  group = Watched(std::move(group), watch);
  base::MutexLock lock(mu_);
  // The others of an older meeting see that it is gone, and come to the newer one as well.
  if (ended_ || newest_.generation() != meeting.generation()) return nullptr;
  in_use_ = std::move(watch);
  in_use_generation_ = meeting.generation();
  return group;
}

void Meetings::Watch() {
  while (const std::shared_ptr<GroupWatch> hanging = AwaitHanging()) {
    base::LogWarning("a group of the job's ranks is ended: it is waiting for one that is lost");
    hanging->Abort();
  }
}

bool Meetings::IsToBeLeft() const {
  return in_use_ != nullptr && (ended_ || newest_.generation() > in_use_generation_);
}

bool Meetings::Hangs() const {
  if (!IsToBeLeft()) return false;
  if (ended_ || broken_ >= in_use_generation_) return true;
  const int64_t patience =
      std::clamp(2 * in_use_->longest_micros(), kLongWaitMicros, kLongestWaitMicros);
  return clock_.MonotonicMicros() - announced_micros_ >= kToLeaveMicros &&
         in_use_->waiting_micros() > patience;
}

std::shared_ptr<GroupWatch> Meetings::AwaitHanging() {
  base::MutexLock lock(mu_);
  while (!Hangs()) {
    if (closing_) return nullptr;
    const auto changed = [this]() {
      mu_.AssertHeld();
      return closing_ || Hangs();
    };
    if (IsToBeLeft()) {
      clock_.WaitFor(mu_, changed_, kLookMicros, changed);
    } else {
      changed_.Wait(
          mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return closing_ || IsToBeLeft(); });
    }
  }
  return std::exchange(in_use_, nullptr);
}

}  // namespace gradus::worker
