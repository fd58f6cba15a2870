// SPDX-License-Identifier: Apache-2.0
// A regularizer's term of what a layer gives, and its gradient.
#include "engine/kernels/penalty.h"

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_kernel.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/vector/functions.h"

namespace gradus::kernels {
namespace {

std::string Sizes(const PenaltySettings& settings) {
  return absl::StrCat("vector:", Vector().isa, " ", settings.rows, "x", settings.width);
}

}  // namespace

std::unique_ptr<Kernel> MakePenalty(const PenaltySettings& settings, Cell x, double* sum) {
  return MakeKernel(absl::StrCat("penalty ", Sizes(settings)), [settings, x, sum] {
    const auto width = static_cast<size_t>(settings.width);
    double all = 0;
    for (size_t row = 0; row < static_cast<size_t>(settings.rows); ++row)
      all += Vector().penalty(Floats(x) + row * width, settings.l1, settings.l2, width);
    *sum = all;
  });
}

std::unique_ptr<Kernel> MakePenaltyGradient(const PenaltySettings& settings, float scale,
                                            int threads, Cell x, Cell diff) {
  constexpr size_t kLine = 16;
  const float l1 = settings.l1 * scale;
  const float l2 = settings.l2 * scale;
  const auto count = static_cast<size_t>(settings.rows * settings.width);
  return MakeKernel(absl::StrCat("penalty gradient ", Sizes(settings)), [=] {
    ParallelRanges(threads, count, kLine, [=](size_t begin, size_t end) {
      Vector().penalize(Floats(x) + begin, Floats(diff) + begin, l1, l2, end - begin);
    });
  });
}

}  // namespace gradus::kernels
