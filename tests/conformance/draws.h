// SPDX-License-Identifier: Apache-2.0
// Numbers to run kinds on: the same on every machine.
#pragma once

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

inline std::vector<double> Doubles(std::span<const float> values) {
  return {values.begin(), values.end()};
}

// Row `row` of a matrix.
template <typename T>
std::span<const T> RowOf(std::span<const T> values, size_t row, size_t width) {
  return values.subspan(row * width, width);
}

}  // namespace gradus::conformance
