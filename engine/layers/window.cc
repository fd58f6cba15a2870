// SPDX-License-Identifier: Apache-2.0
// Windows that move over the axes of an input.
#include "engine/layers/window.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/layers/extents.h"

namespace gradus::layers {
namespace {

constexpr int64_t kMostExtent = 16'384;

// Positions from a window's first value to its last.
int64_t Reach(const Window& window) { return (window.size - 1) * window.dilation + 1; }

}  // namespace

absl::Status CheckExtent(absl::string_view path, int64_t value) {
  if (value >= 1 && value <= kMostExtent) return absl::OkStatus();
  return base::InvalidArgument(path, absl::StrCat(value),
                               absl::StrCat("a number from 1 to ", kMostExtent));
}

absl::Status FillPair(absl::string_view path, google::protobuf::RepeatedField<int64_t>* pair,
                      std::span<const int64_t> fallback) {
  if (pair->empty()) pair->Assign(fallback.begin(), fallback.end());
  if (pair->size() == 1) pair->Add(pair->Get(0));
  if (pair->size() != 2)
    return base::InvalidArgument(path, absl::StrCat(pair->size(), " numbers"),
                                 "one number, or two for height and width");
  for (int i = 0; i < 2; ++i)
    RETURN_IF_ERROR(CheckExtent(absl::StrCat(path, "[", i, "]"), pair->Get(i)));
  return absl::OkStatus();
}

absl::StatusOr<v1::Padding> CheckPadding(v1::Padding padding, bool causal) {
  if (padding == v1::PADDING_UNSPECIFIED) return v1::VALID;
  if (padding == v1::VALID || padding == v1::SAME || (causal && padding == v1::CAUSAL))
    return padding;
  return base::InvalidArgument("padding", v1::Padding_Name(padding),
                               causal ? "VALID, SAME or CAUSAL" : "VALID or SAME");
}

absl::StatusOr<Span> SpanOf(int64_t extent, const Window& window, v1::Padding padding) {
  const int64_t reach = Reach(window);
  Span span;
  if (padding == v1::SAME) {
    span.count = (extent + window.stride - 1) / window.stride;
    const int64_t outside = std::max<int64_t>(0, (span.count - 1) * window.stride + reach - extent);
    span.before = outside / 2;
    span.after = outside - span.before;
    return span;
  }
  if (padding == v1::CAUSAL) span.before = reach - 1;
  if (extent + span.before < reach) {
    return absl::InvalidArgumentError(absl::StrCat("a window that reaches over ", reach,
                                                   " positions does not fit an input of ", extent));
  }
  span.count = (extent + span.before - reach) / window.stride + 1;
  return span;
}

Span TransposedSpanOf(int64_t extent, const Window& window, v1::Padding padding) {
  const int64_t whole = (extent - 1) * window.stride + Reach(window);
  if (padding != v1::SAME) return {.before = 0, .after = 0, .count = whole};
  const int64_t outside = whole - extent * window.stride;
  return {.before = outside / 2, .after = outside - outside / 2, .count = extent * window.stride};
}

absl::Status CheckImage(const Shape& shape) {
  if (shape.size() == 3) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("an input of shape ", TextOf(shape),
                                                 " is not an image (height, width, channels)"));
}

absl::Status CheckSequence(const Shape& shape) {
  if (shape.size() == 2) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("an input of shape ", TextOf(shape), " is not a sequence (steps, channels)"));
}

}  // namespace gradus::layers
