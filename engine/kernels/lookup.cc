// SPDX-License-Identifier: Apache-2.0
// Copies rows of the table; backward adds to them one after another, so that the order of a sum is
// that of the positions.
#include "engine/kernels/lookup.h"

#include <algorithm>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {
namespace {

constexpr int64_t kNone = -1;

struct Lookup {
  int64_t entries = 0;
  int64_t width = 0;
  // In all rows.
  int64_t positions = 0;
  int threads = 1;

  // The row that a value names. Written so that a NaN names none.
  int64_t RowOf(float value) const {
    const bool inside = value >= 0 && value < static_cast<float>(entries);
    return inside ? static_cast<int64_t>(value) : kNone;
  }

  void Forward(const float* src, const float* table, float* dst) const {
    const auto row = static_cast<size_t>(width);
    ParallelRanges(threads, static_cast<size_t>(positions) * row, row,
                   [&](size_t begin, size_t end) {
                     for (size_t at = begin / row; at < end / row; ++at) {
                       const int64_t from = RowOf(src[at]);
                       if (from == kNone) {
                         std::fill_n(dst + at * row, row, std::numeric_limits<float>::quiet_NaN());
                       } else {
                         std::copy_n(table + static_cast<size_t>(from) * row, row, dst + at * row);
                       }
                     }
                   });
  }

  // Threads share the columns: each adds up its own over all positions.
  void Backward(const float* src, const float* diff_dst, float* diff_table) const {
    const auto work = static_cast<size_t>(positions + entries);
    const auto row = static_cast<size_t>(width);
    ParallelRanges(threads, row * work, kColumns * work, [&](size_t begin, size_t end) {
      const size_t first = begin / work;
      const size_t columns = end / work - first;
      for (size_t entry = 0; entry < static_cast<size_t>(entries); ++entry)
        std::fill_n(diff_table + entry * row + first, columns, 0.0F);
      for (size_t at = 0; at < static_cast<size_t>(positions); ++at) {
        const int64_t to = RowOf(src[at]);
        if (to == kNone) continue;
        const float* from = diff_dst + at * row + first;
        float* sum = diff_table + static_cast<size_t>(to) * row + first;
        for (size_t i = 0; i < columns; ++i) sum[i] += from[i];
      }
    });
  }

  // Of a cache line.
  static constexpr size_t kColumns = 16;
};

CompiledParts Compile(Lookup lookup, const Setting& setting) {
  lookup.positions *= setting.rows;
  lookup.threads = setting.threads;
  const std::string details =
      absl::StrCat(lookup.positions, " of ", lookup.entries, "x", lookup.width);
  CompiledParts parts;
  parts.layouts = {PlainLayout(static_cast<size_t>(lookup.entries * lookup.width))};
  parts.forward = [=](const Operands& o) -> absl::StatusOr<Kernels> {
    return OneKernel("lookup_forward " + details,
                     [lookup, src = o.src(), table = o.weights[0], dst = o.dst] {
                       lookup.Forward(Floats(src), Floats(table), Floats(dst));
                     });
  };
  parts.backward = [=](const Operands& o) -> absl::StatusOr<Kernels> {
    Kernels kernels;
    if (o.diff_weights[0] != nullptr) {
      kernels.push_back(
          MakeKernel("lookup_backward " + details,
                     [lookup, src = o.src(), diff_dst = o.diff_dst, diff = o.diff_weights[0]] {
                       lookup.Backward(Floats(src), Floats(diff_dst), Floats(diff));
                     }));
    }
    if (o.diff_src() != nullptr) {
      kernels.push_back(MakeKernel(
          "lookup_backward_data " + details,
          [lookup, diff = o.diff_src()] { std::fill_n(Floats(diff), lookup.positions, 0.0F); }));
    }
    return kernels;
  };
  return parts;
}

}  // namespace

std::unique_ptr<const Operation> MakeLookup(int64_t entries, int64_t width, int64_t positions) {
  const Lookup lookup{.entries = entries, .width = width, .positions = positions};
  return MakeOperation(
      {.name = absl::StrCat("lookup ", entries, "x", width),
       .dst_values = positions * width,
       .reads_src = ReadsSrc::kForWeights},
      [lookup](const Setting& setting, const Layouts&) -> absl::StatusOr<CompiledParts> {
        return Compile(lookup, setting);
      });
}

}  // namespace gradus::kernels
