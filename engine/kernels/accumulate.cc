// SPDX-License-Identifier: Apache-2.0
// Adds one tensor to another.
#include "engine/kernels/accumulate.h"

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_kernel.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/vector/functions.h"

namespace gradus::kernels {

std::unique_ptr<Kernel> MakeAccumulate(int64_t count, int threads, Cell part, Cell sum) {
  constexpr size_t kLine = 16;
  return MakeKernel(
      absl::StrCat("accumulate vector:", Vector().isa, " ", count), [count, threads, part, sum] {
        ParallelRanges(threads, static_cast<size_t>(count), kLine,
                       [part, sum](size_t begin, size_t end) {
                         Vector().add(Floats(sum) + begin, Floats(part) + begin, end - begin);
                       });
      });
}

}  // namespace gradus::kernels
