// SPDX-License-Identifier: Apache-2.0
// x * scale + offset with constants.
#include "engine/kernels/rescaling.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/vector/functions.h"

namespace gradus::kernels {
namespace {

constexpr size_t kChunk = 1024;

Kernels Rescale(absl::string_view pass, float scale, float offset, size_t count, int threads,
                Cell src, Cell dst) {
  return OneKernel(absl::StrCat("rescaling_", pass, " vector:", Vector().isa, " ", count), [=] {
    ParallelRanges(threads, count, kChunk, [&](size_t begin, size_t end) {
      for (size_t at = begin; at < end; at += kChunk) {
        const size_t part = std::min(kChunk, end - at);
        std::memcpy(Floats(dst) + at, Floats(src) + at, part * sizeof(float));
        Vector().rescale(Floats(dst) + at, scale, offset, part);
      }
    });
  });
}

}  // namespace

std::unique_ptr<const Operation> MakeRescaling(int64_t values, float scale, float offset) {
  return MakeOperation(
      {.name = absl::StrCat("rescaling ", values), .dst_values = values},
      [values, scale, offset](const Setting& setting,
                              const Layouts&) -> absl::StatusOr<CompiledParts> {
        const auto count = static_cast<size_t>(setting.rows * values);
        CompiledParts parts;
        parts.forward = [=,
                         threads = setting.threads](const Operands& o) -> absl::StatusOr<Kernels> {
          return Rescale("forward", scale, offset, count, threads, o.src(), o.dst);
        };
        parts.backward = [=,
                          threads = setting.threads](const Operands& o) -> absl::StatusOr<Kernels> {
          if (o.diff_src() == nullptr) return Kernels{};
          return Rescale("backward", scale, 0, count, threads, o.diff_dst, o.diff_src());
        };
        return parts;
      });
}

}  // namespace gradus::kernels
