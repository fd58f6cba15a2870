// SPDX-License-Identifier: Apache-2.0
// Turning the clock wakes those who wait for it, and loses no wake-up.
#include "tests/support/fake_clock.h"

#include <vector>

namespace gradus::test_support {

using base::CondVar;
using base::Mutex;
using base::MutexLock;

int64_t FakeClock::NowMicros() const {
  const MutexLock lock(mu_);
  return wall_;
}

int64_t FakeClock::MonotonicMicros() const {
  const MutexLock lock(mu_);
  return monotonic_;
}

bool FakeClock::WaitUntil(Mutex& mu, CondVar& cv, int64_t deadline_micros,
                          absl::FunctionRef<bool()> predicate) {
  std::list<Waiter>::iterator self;
  {
    const MutexLock lock(mu_);
    self = waiters_.insert(waiters_.end(), Waiter{&mu, &cv, 0});
    changed_.SignalAll();
  }
  // `mu` is held from the look at the time to the wait, and Advance signals under it: no wake-up
  // falls between.
  while (!predicate() && MonotonicMicros() < deadline_micros) cv.Wait(mu);
  mu.Unlock();  // an Advance that pinned this waiter needs it
  {
    const MutexLock lock(mu_);
    changed_.Wait(mu_, [self] { return self->pins == 0; });
    waiters_.erase(self);
  }
  mu.Lock();
  return predicate();
}

void FakeClock::Advance(int64_t micros) {
  std::vector<Waiter*> woken;
  {
    const MutexLock lock(mu_);
    wall_ += micros;
    monotonic_ += micros;
    for (Waiter& waiter : waiters_) {
      ++waiter.pins;
      woken.push_back(&waiter);
    }
  }
  for (Waiter* const waiter : woken) {
    waiter->mu->Lock();
    waiter->cv->SignalAll();
    waiter->mu->Unlock();
    const MutexLock lock(mu_);
    --waiter->pins;
    changed_.SignalAll();
  }
}

void FakeClock::JumpWall(int64_t micros) {
  const MutexLock lock(mu_);
  wall_ += micros;
}

void FakeClock::AwaitWaiters(size_t count) {
  const MutexLock lock(mu_);
  changed_.Wait(
      mu_, [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return waiters_.size() >= count; });
}

}  // namespace gradus::test_support
