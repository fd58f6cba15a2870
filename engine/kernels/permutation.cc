// SPDX-License-Identifier: Apache-2.0
// Permutation: the result is written line after line, each gathered with one stride.
#include "engine/kernels/permutation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {
namespace {

// Where the values of a result lie in its source.
struct Gather {
  // Of the result's axes.
  std::vector<size_t> extents;
  // In the source.
  std::vector<size_t> strides;
  size_t values = 1;

  Gather(const std::vector<int64_t>& shape, const std::vector<size_t>& axes) {
    std::vector<size_t> source_strides(shape.size(), 1);
    for (size_t i = shape.size(); i-- > 0;) {
      source_strides[i] = values;
      values *= static_cast<size_t>(shape[i]);
    }
    for (const size_t axis : axes) {
      extents.push_back(static_cast<size_t>(shape[axis]));
      strides.push_back(source_strides[axis]);
    }
  }

  // The source of the first value of a line along the last axis.
  size_t LineBegin(size_t line) const {
    size_t offset = 0;
    for (size_t i = extents.size() - 1; i-- > 0;) {
      offset += line % extents[i] * strides[i];
      line /= extents[i];
    }
    return offset;
  }

  void Row(const float* src, float* dst) const {
    const size_t length = extents.back();
    const size_t stride = strides.back();
    for (size_t line = 0; line < values / length; ++line) {
      const float* from = src + LineBegin(line);
      for (size_t i = 0; i < length; ++i) dst[line * length + i] = from[i * stride];
    }
  }
};

// The axes that undo it.
std::vector<size_t> Inverse(const std::vector<size_t>& axes) {
  std::vector<size_t> inverse(axes.size());
  for (size_t i = 0; i < axes.size(); ++i) inverse[axes[i]] = i;
  return inverse;
}

Kernels GatherRows(std::string description, const Gather& gather, const Setting& setting, Cell src,
                   Cell dst) {
  const size_t count = static_cast<size_t>(setting.rows) * gather.values;
  return OneKernel(std::move(description), [gather, count, threads = setting.threads, src, dst] {
    const size_t values = gather.values;
    ParallelRanges(threads, count, values, [&](size_t begin, size_t end) {
      for (size_t at = begin; at < end; at += values)
        gather.Row(Floats(src) + at, Floats(dst) + at);
    });
  });
}

CompiledParts Compile(const std::vector<int64_t>& shape, const std::vector<size_t>& axes,
                      const Setting& setting) {
  const std::string details =
      absl::StrCat(setting.rows, "x", absl::StrJoin(shape, "x"), " by ", absl::StrJoin(axes, ","));
  std::vector<int64_t> moved;
  for (const size_t axis : axes) moved.push_back(shape[axis]);
  CompiledParts parts;
  parts.forward = [details, setting,
                   gather = Gather(shape, axes)](const Operands& o) -> absl::StatusOr<Kernels> {
    return GatherRows("permutation_forward " + details, gather, setting, o.src(), o.dst);
  };
  parts.backward = [details, setting, gather = Gather(moved, Inverse(axes))](
                       const Operands& o) -> absl::StatusOr<Kernels> {
    if (o.diff_src() == nullptr) return Kernels{};
    return GatherRows("permutation_backward " + details, gather, setting, o.diff_dst, o.diff_src());
  };
  return parts;
}

}  // namespace

std::unique_ptr<const Operation> MakePermutation(const std::vector<int64_t>& shape,
                                                 const std::vector<size_t>& axes) {
  const auto values = static_cast<int64_t>(Gather(shape, axes).values);
  if (std::ranges::is_sorted(axes)) return MakeView(values);
  return MakeOperation(
      {.name = absl::StrCat("permutation ", absl::StrJoin(axes, ",")), .dst_values = values},
      [shape, axes](const Setting& setting, const Layouts&) -> absl::StatusOr<CompiledParts> {
        return Compile(shape, axes, setting);
      });
}

}  // namespace gradus::kernels
