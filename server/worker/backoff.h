// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next try.
#pragma once

#include <cstdint>

#include "engine/base/random.h"

namespace gradus::worker {

// Doubles from 0.1 s to 10 s; each wait is drawn from the upper half of that, so that many ranks
// that lost one server do not come back as one.
//   Threads  one.
class Backoff {
 public:
  explicit Backoff(base::RandomSource& random) : random_(random) {}

  int64_t NextMicros();
  // The last try succeeded.
  void Reset() { ceiling_micros_ = kFirstMicros; }

 private:
  static constexpr int64_t kFirstMicros = 100'000;
  static constexpr int64_t kMostMicros = 10'000'000;

  base::RandomSource& random_;
  int64_t ceiling_micros_ = kFirstMicros;
};

}  // namespace gradus::worker
