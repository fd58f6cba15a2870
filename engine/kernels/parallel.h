// SPDX-License-Identifier: Apache-2.0
// Threads inside one kernel: the same that oneDNN's primitives use, so that the two never fight for
// cores.
#pragma once

#include <cstddef>

#include "absl/functional/function_ref.h"

namespace gradus::kernels {

// Calls f(begin, end) for parts of 0 ... count on `threads` threads; boundaries are multiples of
// `grain` and depend on nothing but the arguments. With one thread, or little to do, it is a plain
// call. f must not throw.
void ParallelRanges(int threads, size_t count, size_t grain,
                    absl::FunctionRef<void(size_t begin, size_t end)> f);

// How many threads oneDNN's primitives take when this thread makes or runs them.
void UseThreads(int threads);

// Ends the sub-threads that oneDNN keeps waiting for this thread; the next primitive starts them
// again.
void ReleaseThreads();

}  // namespace gradus::kernels
