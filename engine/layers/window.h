// SPDX-License-Identifier: Apache-2.0
// Windows that move over the axes of an input: convolutions and pools.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/layers/weight.h"
#include "google/protobuf/repeated_field.h"
#include "gradus/v1/layers_convolution.pb.h"

namespace gradus::layers {

// A window along one axis.
struct Window {
  int64_t size = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
};
// Along height and width.
using Windows = std::array<Window, 2>;

// Where windows lie on an axis.
struct Span {
  // Positions outside the input that belong to windows.
  int64_t before = 0;
  int64_t after = 0;
  // How many windows there are.
  int64_t count = 0;
};

inline std::span<const int64_t> Numbers(const google::protobuf::RepeatedField<int64_t>& field) {
  return {field.data(), static_cast<size_t>(field.size())};
}

// A list of one or two numbers becomes two, `fallback` where it is empty.
//   Errors   INVALID_ARGUMENT below `path`: each must be 1 to 16,384; no fallback: it must be there.
absl::Status FillPair(absl::string_view path, google::protobuf::RepeatedField<int64_t>* pair,
                      std::span<const int64_t> fallback);
absl::Status CheckExtent(absl::string_view path, int64_t value);
// VALID where nothing is said; `causal` whether CAUSAL is allowed.
absl::StatusOr<v1::Padding> CheckPadding(v1::Padding padding, bool causal);

// Of a convolution or a pool.
//   Errors   INVALID_ARGUMENT where no window fits.
absl::StatusOr<Span> SpanOf(int64_t extent, const Window& window, v1::Padding padding);
// Of a transposed convolution: count is the output's extent, before and after are what is cut off.
Span TransposedSpanOf(int64_t extent, const Window& window, v1::Padding padding);

// (height, width, channels), or why it is none.
absl::Status CheckImage(const Shape& shape);
// (steps, channels).
absl::Status CheckSequence(const Shape& shape);

}  // namespace gradus::layers
