// SPDX-License-Identifier: Apache-2.0
// When a kernel's figures agree with the reference's: to a hundred thousandth of the largest.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "tests/conformance/differences.h"

namespace gradus::conformance {

inline constexpr double kTolerance = 1e-5;
// What is left of a tensor that is zero but for rounding.
inline constexpr double kNothing = 1e-7;

inline double LargestOf(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

inline testing::AssertionResult Agrees(double found, double expected, double allowed) {
  // So written that a NaN does not agree.
  if (std::abs(found - expected) <= allowed) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << found << " where " << expected << " is expected, to " << allowed;
}

// A tensor with its values.
inline testing::AssertionResult Agree(std::span<const float> found,
                                      std::span<const double> expected) {
  if (found.size() != expected.size())
    return testing::AssertionFailure() << found.size() << " values instead of " << expected.size();
  const double allowed = kTolerance * LargestOf(expected) + kNothing;
  for (size_t i = 0; i < found.size(); ++i) {
    testing::AssertionResult result = Agrees(static_cast<double>(found[i]), expected[i], allowed);
    if (!result) return result << " (value " << i << " of " << found.size() << ")";
  }
  return testing::AssertionSuccess();
}

// A tensor with what differences tell of it; `largest`: the largest magnitude of the whole tensor.
inline testing::AssertionResult Agree(std::span<const float> found, const Gradient& expected,
                                      double largest) {
  const double allowed = kTolerance * largest + kNothing;
  for (size_t i = 0; i < expected.coordinates.size(); ++i) {
    const size_t at = expected.coordinates[i];
    testing::AssertionResult result =
        Agrees(static_cast<double>(found[at]), expected.slopes[i].value,
               allowed + expected.slopes[i].slack);
    if (!result) return result << " (value " << at << " of " << found.size() << ")";
  }
  for (size_t i = 0; i < expected.directions.size(); ++i) {
    double along = 0;
    for (size_t k = 0; k < found.size(); ++k)
      along += static_cast<double>(found[k]) * expected.directions[i][k];
    testing::AssertionResult result =
        Agrees(along, expected.along[i].value,
               allowed * std::sqrt(static_cast<double>(found.size())) + expected.along[i].slack);
    if (!result) return result << " (along direction " << i << " of " << found.size() << " values)";
  }
  return testing::AssertionSuccess();
}

}  // namespace gradus::conformance
