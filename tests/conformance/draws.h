// SPDX-License-Identifier: Apache-2.0
// Numbers to run kinds on: the same on every machine.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/philox.h"

namespace gradus::conformance {

inline base::RandomKey DrawKey(uint32_t stream) {
  return {.seed = 20, .purpose = base::RandomPurpose::kTest, .index = stream};
}

inline std::vector<float> DrawNormal(size_t count, uint32_t stream, float deviation = 1) {
  std::vector<float> values(count);
  base::FillNormal(DrawKey(stream), 0, 0, deviation, values);
  return values;
}

inline std::vector<float> DrawUniform(size_t count, uint32_t stream, float low, float high) {
  std::vector<float> values(count);
  base::FillUniform(DrawKey(stream), 0, low, high, values);
  return values;
}

// Whole numbers from 0 to `below`, excluded.
inline std::vector<float> DrawWhole(size_t count, uint32_t stream, int64_t below) {
  base::PhiloxStream random(DrawKey(stream));
  std::vector<float> values(count);
  for (float& value : values)
    value = static_cast<float>(random.NextBelow(static_cast<uint32_t>(below)));
  return values;
}

// Of the size that weights have in networks; statistics may be variances.
inline std::vector<float> DrawWeight(size_t count, int64_t fan_in, bool statistic,
                                     uint32_t stream) {
  if (statistic) return DrawUniform(count, stream, 0.5F, 1.5F);
  const double inputs = static_cast<double>(std::max<int64_t>(1, fan_in));
  return DrawNormal(count, stream, static_cast<float>(1 / std::sqrt(inputs)));
}

inline std::vector<double> Doubles(std::span<const float> values) {
  return {values.begin(), values.end()};
}

// Row `row` of a matrix.
template <typename T>
std::span<const T> RowOf(std::span<const T> values, size_t row, size_t width) {
  return values.subspan(row * width, width);
}

}  // namespace gradus::conformance
