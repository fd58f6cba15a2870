// SPDX-License-Identifier: Apache-2.0
// What the last activation would have made of logits.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "engine/training/losses/kind.h"

namespace gradus::conformance {

// Of one row, in double precision.
inline std::vector<double> Activated(std::span<const double> logits, losses::Scoring scoring) {
  std::vector<double> row(logits.begin(), logits.end());
  double sum = 0;
  const double largest = *std::max_element(row.begin(), row.end());
  for (double& value : row) {
    if (scoring == losses::Scoring::kThreshold) {
      value = 1 / (1 + std::exp(-value));
    } else {
      sum += value = std::exp(value - largest);
    }
  }
  if (scoring == losses::Scoring::kThreshold) return row;
  for (double& value : row) value /= sum;
  return row;
}

}  // namespace gradus::conformance
