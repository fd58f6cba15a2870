// SPDX-License-Identifier: Apache-2.0
// Waiting for other threads: spinning for as long as waking up would cost, then asleep.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "engine/base/cpu.h"

namespace gradus::base {

// Waits until `word` differs from `old`: spins for `spin`, then sleeps in the kernel. Whoever
// changes the word calls word.notify_all(). The change must be sequentially consistent (the
// default), or the notification may be missed.
inline void WaitWhileEqual(const std::atomic<uint32_t>& word, uint32_t old,
                           std::chrono::nanoseconds spin) {
  if (spin.count() > 0) {
    const auto deadline = std::chrono::steady_clock::now() + spin;
    do {
      for (int i = 0; i < 64; ++i) {
        if (word.load(std::memory_order_acquire) != old) return;
        SpinPause();
      }
    } while (std::chrono::steady_clock::now() < deadline);
  }
  while (word.load() == old) word.wait(old);
}

// Holds back `parties` threads until all have come; then it is ready for the next round. What a
// thread wrote before is seen by all after.
//   Threads  exactly `parties`.
class Barrier {
 public:
  Barrier(uint32_t parties, std::chrono::nanoseconds spin)
      : parties_(parties), spin_(spin), missing_(parties) {}
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  void Wait() {
    if (parties_ == 1) return;
    const uint32_t round = round_.load();
    if (missing_.fetch_sub(1) == 1) {
      missing_.store(parties_);  // before the round changes: nobody comes again until it has
      round_.fetch_add(1);
      round_.notify_all();
    } else {
      WaitWhileEqual(round_, round, spin_);
    }
  }

 private:
  const uint32_t parties_;
  const std::chrono::nanoseconds spin_;
  alignas(64) std::atomic<uint32_t> missing_;
  alignas(64) std::atomic<uint32_t> round_{0};
};

}  // namespace gradus::base
