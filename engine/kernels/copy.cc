// SPDX-License-Identifier: Apache-2.0
// A kernel that copies.
#include "engine/kernels/copy.h"

#include <cstring>
#include <utility>

#include "engine/kernels/function_kernel.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {

std::unique_ptr<Kernel> MakeCopyKernel(std::string description, int64_t count, int threads,
                                       Cell src, Cell dst) {
  return MakeKernel(std::move(description), [count, threads, src, dst] {
    const float* from = Floats(src);
    float* to = Floats(dst);
    ParallelRanges(threads, static_cast<size_t>(count), 16, [from, to](size_t begin, size_t end) {
      std::memcpy(to + begin, from + begin, (end - begin) * sizeof(float));
    });
  });
}

}  // namespace gradus::kernels
