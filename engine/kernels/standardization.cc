// SPDX-License-Identifier: Apache-2.0
// (x - mean) / deviation along one axis, with means and variances that are given.
#include "engine/kernels/standardization.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {
namespace {

constexpr float kLeastDeviation = 1e-7F;

// y = (x - mean) * scale for one row; without a mean y = x * scale.
void Apply(const StandardizationShape& s, const float* mean, const float* scale, const float* x,
           float* y) {
  int64_t at = 0;
  for (int64_t outer = 0; outer < s.outer; ++outer) {
    for (int64_t index = 0; index < s.extent; ++index) {
      const float center = mean == nullptr ? 0.0F : mean[index];
      for (const int64_t end = at + s.inner; at < end; ++at)
        y[at] = (x[at] - center) * scale[index];
    }
  }
}

Kernels Standardize(const char* pass, const StandardizationShape& s, const Setting& setting,
                    const Operands& o, Cell mean, Cell src, Cell dst) {
  const int64_t values = s.outer * s.extent * s.inner;
  const Cell variance = o.weights[1];
  return OneKernel(absl::StrCat("standardization_", pass, " ", setting.rows, "x", values),
                   [=, rows = static_cast<size_t>(setting.rows), threads = setting.threads,
                    scratch = o.scratch] {
                     float* scale = Floats(scratch);
                     for (int64_t i = 0; i < s.extent; ++i)
                       scale[i] = 1 / std::max(std::sqrt(Floats(variance)[i]), kLeastDeviation);
                     ParallelRanges(threads, rows, 1, [&](size_t begin, size_t end) {
                       for (size_t row = begin; row < end; ++row) {
                         const int64_t at = static_cast<int64_t>(row) * values;
                         Apply(s, mean == nullptr ? nullptr : Floats(mean), scale, Floats(src) + at,
                               Floats(dst) + at);
                       }
                     });
                   });
}

}  // namespace

std::unique_ptr<const Operation> MakeStandardization(const StandardizationShape& shape) {
  const int64_t values = shape.outer * shape.extent * shape.inner;
  return MakeOperation(
      {.name = absl::StrCat("standardization ", values), .dst_values = values},
      [shape](const Setting& setting, const Layouts&) -> absl::StatusOr<CompiledParts> {
        CompiledParts parts;
        parts.layouts.assign(2, PlainLayout(static_cast<size_t>(shape.extent)));
        parts.scratch_bytes = static_cast<size_t>(shape.extent) * sizeof(float);
        parts.forward = [=](const Operands& o) -> absl::StatusOr<Kernels> {
          return Standardize("forward", shape, setting, o, o.weights[0], o.src(), o.dst);
        };
        parts.backward = [=](const Operands& o) -> absl::StatusOr<Kernels> {
          if (o.diff_src() == nullptr) return Kernels{};
          return Standardize("backward", shape, setting, o, nullptr, o.diff_dst, o.diff_src());
        };
        return parts;
      });
}

}  // namespace gradus::kernels
