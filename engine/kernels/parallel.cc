// SPDX-License-Identifier: Apache-2.0
// Parts of a loop on OpenMP's threads.
#include "engine/kernels/parallel.h"

#include <omp.h>

#include <algorithm>

namespace gradus::kernels {
namespace {

// Below so many elements waking the threads costs more than they do.
constexpr size_t kLeastParallel = size_t{1} << 15;

}  // namespace

void ParallelRanges(int threads, size_t count, size_t grain,
                    absl::FunctionRef<void(size_t begin, size_t end)> f) {
  if (threads <= 1 || count < kLeastParallel) {
    f(0, count);
    return;
  }
  const size_t grains = (count + grain - 1) / grain;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int i = 0; i < threads; ++i) {
    const size_t begin =
        std::min(count, grains * static_cast<size_t>(i) / static_cast<size_t>(threads) * grain);
    const size_t end =
        std::min(count, grains * static_cast<size_t>(i + 1) / static_cast<size_t>(threads) * grain);
    if (begin < end) f(begin, end);
  }
}

void UseThreads(int threads) {
  if (omp_get_max_threads() != threads) omp_set_num_threads(threads);
}

void ReleaseThreads() { omp_pause_resource_all(omp_pause_soft); }

}  // namespace gradus::kernels
