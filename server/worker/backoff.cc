// SPDX-License-Identifier: Apache-2.0
// Exponential growth with jitter.
#include "server/worker/backoff.h"

#include <algorithm>
#include <span>

namespace gradus::worker {

int64_t Backoff::NextMicros() {
  uint32_t drawn = 0;
  random_.Fill(std::as_writable_bytes(std::span<uint32_t>(&drawn, 1)));
  const int64_t half = ceiling_micros_ / 2;
  const int64_t wait = half + static_cast<int64_t>(drawn) * half / UINT32_MAX;
  ceiling_micros_ = std::min(2 * ceiling_micros_, kMostMicros);
  return wait;
}

}  // namespace gradus::worker
