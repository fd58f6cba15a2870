// SPDX-License-Identifier: Apache-2.0
// Copies the positions that two images have in common; backward is the same the other way round.
#include "engine/kernels/border.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {
namespace {

void CopyImage(const Border& b, const float* src, float* dst) {
  std::fill_n(dst, b.dst_height * b.dst_width * b.channels, 0.0F);
  const int64_t first = std::max<int64_t>(0, b.left);
  const int64_t last = std::min(b.dst_width, b.left + b.src_width);
  if (last <= first) return;
  for (int64_t row = std::max<int64_t>(0, b.top);
       row < std::min(b.dst_height, b.top + b.src_height); ++row) {
    std::memcpy(dst + (row * b.dst_width + first) * b.channels,
                src + ((row - b.top) * b.src_width + first - b.left) * b.channels,
                static_cast<size_t>((last - first) * b.channels) * sizeof(float));
  }
}

Kernels CopyImages(const char* name, const Border& b, const Setting& setting, Cell src, Cell dst) {
  const std::string description =
      absl::StrCat(name, " ", setting.rows, "x", b.src_height, "x", b.src_width, " -> ",
                   b.dst_height, "x", b.dst_width, "x", b.channels);
  return OneKernel(description, [b, src, dst, rows = setting.rows, threads = setting.threads] {
    const int64_t from = b.src_height * b.src_width * b.channels;
    const int64_t to = b.dst_height * b.dst_width * b.channels;
    ParallelRanges(threads, static_cast<size_t>(rows), 1, [&](size_t begin, size_t end) {
      for (size_t row = begin; row < end; ++row) {
        const auto at = static_cast<int64_t>(row);
        CopyImage(b, Floats(src) + at * from, Floats(dst) + at * to);
      }
    });
  });
}

Border Reversed(const Border& b) {
  return {.src_height = b.dst_height,
          .src_width = b.dst_width,
          .dst_height = b.src_height,
          .dst_width = b.src_width,
          .channels = b.channels,
          .top = -b.top,
          .left = -b.left};
}

}  // namespace

std::unique_ptr<const Operation> MakeBorder(const Border& border) {
  return MakeOperation(
      {.name = absl::StrCat("border ", border.dst_height, "x", border.dst_width),
       .dst_values = border.dst_height * border.dst_width * border.channels},
      [border](const Setting& setting, const Layouts&) -> absl::StatusOr<CompiledParts> {
        CompiledParts parts;
        parts.forward = [border, setting](const Operands& o) -> absl::StatusOr<Kernels> {
          return CopyImages("border_forward", border, setting, o.src(), o.dst);
        };
        parts.backward = [border, setting](const Operands& o) -> absl::StatusOr<Kernels> {
          if (o.diff_src() == nullptr) return Kernels{};
          return CopyImages("border_backward", Reversed(border), setting, o.diff_dst, o.diff_src());
        };
        return parts;
      });
}

}  // namespace gradus::kernels
