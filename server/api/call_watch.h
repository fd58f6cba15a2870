// SPDX-License-Identifier: Apache-2.0
// Ends calls that take too long: the server's own deadline for a unary call, and the longest
// silence in a stream.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <thread>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"

namespace gradus::api {

// One thread that calls `expire` of each watched call whose time is up.
//   Owns     its thread. The clock must outlive it; every Guard must be gone before it is
//            destroyed.
//   Threads  any.
class CallWatch {
  struct Entry {
    int64_t deadline_micros;
    std::function<void()> expire;
  };

 public:
  // Watches one call while it lives.
  class Guard {
   public:
    Guard(CallWatch& watch, int64_t allowed_micros, std::function<void()> expire);
    // Waits for `expire` where it is under way; afterwards it is not called.
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    // The call moved: its time starts anew.
    void Extend(int64_t allowed_micros);
    // Time left to the call at this moment; not above 0 when it is up.
    int64_t LeftMicros() const;

   private:
    CallWatch& watch_;
    std::list<Entry>::iterator entry_;
  };

  explicit CallWatch(base::Clock& clock);
  ~CallWatch();

 private:
  void Run();
  void ExpireDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  base::Clock& clock_;
  mutable base::Mutex mu_;
  base::CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  int64_t next_deadline_ ABSL_GUARDED_BY(mu_) = INT64_MAX;
  std::list<Entry> entries_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace gradus::api
