// SPDX-License-Identifier: Apache-2.0
// Concatenation: runs are copied to their places and back.
#include "engine/kernels/concatenation.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {
namespace {

struct Runs {
  size_t groups;
  std::vector<size_t> widths;
  size_t total;
  int threads;
};

// Between the parts (some may be null) and the whole, in either direction.
void CopyRuns(const Runs& runs, const std::vector<Cell>& parts, Cell whole, bool to_whole) {
  ParallelRanges(runs.threads, runs.groups * runs.total, runs.total, [&](size_t begin, size_t end) {
    for (size_t group = begin / runs.total; group < end / runs.total; ++group) {
      float* in_whole = Floats(whole) + group * runs.total;
      for (size_t i = 0; i < parts.size(); ++i) {
        const size_t width = runs.widths[i];
        if (parts[i] != nullptr) {
          float* in_part = Floats(parts[i]) + group * width;
          std::memcpy(to_whole ? in_whole : in_part, to_whole ? in_part : in_whole,
                      width * sizeof(float));
        }
        in_whole += width;
      }
    }
  });
}

CompiledParts Compile(Runs runs) {
  const std::string details =
      absl::StrCat(runs.widths.size(), " to ", runs.groups, "x", runs.total);
  CompiledParts parts;
  parts.forward = [runs, details](const Operands& o) -> absl::StatusOr<Kernels> {
    return OneKernel(absl::StrCat("concatenation_forward ", details),
                     [runs, srcs = o.srcs, dst = o.dst] { CopyRuns(runs, srcs, dst, true); });
  };
  parts.backward = [runs, details](const Operands& o) -> absl::StatusOr<Kernels> {
    if (std::ranges::all_of(o.diff_srcs, [](Cell cell) { return cell == nullptr; }))
      return Kernels{};
    return OneKernel(absl::StrCat("concatenation_backward ", details),
                     [runs, diff_srcs = o.diff_srcs, diff_dst = o.diff_dst] {
                       CopyRuns(runs, diff_srcs, diff_dst, false);
                     });
  };
  return parts;
}

}  // namespace

std::unique_ptr<const Operation> MakeConcatenation(int64_t groups, std::vector<int64_t> widths) {
  const int64_t total = std::accumulate(widths.begin(), widths.end(), int64_t{0});
  OperationFacts facts{.name = absl::StrCat("concatenation ", groups, "x", total),
                       .dst_values = groups * total};
  return MakeOperation(
      std::move(facts),
      [groups, total, widths = std::move(widths)](const Setting& setting,
                                                  const Layouts&) -> absl::StatusOr<CompiledParts> {
        return Compile({.groups = static_cast<size_t>(setting.rows * groups),
                        .widths = {widths.begin(), widths.end()},
                        .total = static_cast<size_t>(total),
                        .threads = setting.threads});
      });
}

}  // namespace gradus::kernels
