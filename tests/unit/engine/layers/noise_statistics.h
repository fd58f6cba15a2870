// SPDX-License-Identifier: Apache-2.0
// Moments of many numbers, for layers that draw.
#pragma once

#include <cmath>
#include <span>

namespace gradus::layers {

struct Moments {
  double mean = 0;
  double variance = 0;
};

inline Moments MomentsOf(std::span<const float> values) {
  Moments moments;
  const auto count = static_cast<double>(values.size());
  for (const float value : values) moments.mean += static_cast<double>(value) / count;
  for (const float value : values) {
    const double distance = static_cast<double>(value) - moments.mean;
    moments.variance += distance * distance / count;
  }
  return moments;
}

// Four standard errors of a mean.
inline double FourErrors(double variance, size_t count) {
  return 4 * std::sqrt(variance / static_cast<double>(count));
}

}  // namespace gradus::layers
