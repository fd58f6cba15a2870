// SPDX-License-Identifier: Apache-2.0
// Draws of a given variance, as Keras's VarianceScaling defines them.
#include "engine/training/initializers/scaled.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradus::initializers {
namespace {

// Standard deviation of a standard normal that is cut at two standard deviations: the draw is
// widened by its inverse.
constexpr double kTruncatedDeviation = 0.87962566103423978;

}  // namespace

double ScaledVariance(double scale, Mode mode, int64_t fan_in, int64_t fan_out) {
  double n = static_cast<double>(fan_in);
  if (mode == v1::VarianceScaling::FAN_OUT) n = static_cast<double>(fan_out);
  if (mode == v1::VarianceScaling::FAN_AVG)
    n = (static_cast<double>(fan_in) + static_cast<double>(fan_out)) / 2;
  return scale / std::max(1.0, n);
}

void DrawScaled(double variance, Distribution distribution, const base::RandomKey& key,
                std::span<float> dst) {
  if (distribution == v1::VarianceScaling::UNIFORM) {
    const auto limit = static_cast<float>(std::sqrt(3 * variance));
    base::FillUniform(key, 0, -limit, limit, dst);
  } else if (distribution == v1::VarianceScaling::UNTRUNCATED_NORMAL) {
    base::FillNormal(key, 0, 0, static_cast<float>(std::sqrt(variance)), dst);
  } else {
    base::FillTruncatedNormal(key, 0, 0,
                              static_cast<float>(std::sqrt(variance) / kTruncatedDeviation), dst);
  }
}

Moments ScaledMoments(double variance, Distribution distribution) {
  double limit = 2 * std::sqrt(variance) / kTruncatedDeviation;
  if (distribution == v1::VarianceScaling::UNIFORM) limit = std::sqrt(3 * variance);
  if (distribution == v1::VarianceScaling::UNTRUNCATED_NORMAL)
    limit = std::numeric_limits<double>::infinity();
  // The draws are f32.
  limit *= 1 + 1e-6;
  return {.mean = 0, .variance = variance, .low = -limit, .high = limit};
}

}  // namespace gradus::initializers
