// SPDX-License-Identifier: Apache-2.0
// Gradients by central differences, in double precision: they know of a function nothing but its
// values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace gradus::conformance {

// A derivative at a point.
struct Slope {
  double value = 0;
  // How far the true one may be off: half of the jump where the function has a kink right here, and
  // what rounding does to its differences; as good as nothing elsewhere.
  double slack = 0;
};

// Of f at 0.
Slope SlopeOf(const std::function<double(double)>& f);

// The derivatives of a function of many variables.
struct Gradient {
  // Those that were taken one by one.
  std::vector<size_t> coordinates;
  std::vector<Slope> slopes;
  // Where that is not all of them: derivatives along random directions of entries 1 and -1, in
  // which every variable has its part.
  std::vector<std::vector<double>> directions;
  std::vector<Slope> along;

  double Largest() const;
};

// Of `f`, which reads `point`; `point` is as before afterwards. Up to `most` coordinates one by
// one.
Gradient GradientOf(const std::function<double()>& f, std::vector<double>& point, size_t most,
                    uint32_t stream);

}  // namespace gradus::conformance
