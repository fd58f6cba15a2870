// SPDX-License-Identifier: Apache-2.0
// Central differences along axes and directions.
#include "tests/conformance/differences.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/base/philox.h"
#include "tests/conformance/draws.h"

namespace gradus::conformance {
namespace {

// Small enough that a smooth function's one-sided slopes agree, large enough that rounding hardly
// shows; a power of two, so that f32 numbers and steps add up exactly.
constexpr double kStep = 0x1p-23;
constexpr int kDirections = 2;

std::vector<size_t> Some(size_t count, size_t most, base::PhiloxStream& random) {
  std::vector<size_t> chosen(count);
  std::iota(chosen.begin(), chosen.end(), size_t{0});
  if (count <= most) return chosen;
  // The first, the last, and some between.
  std::swap(chosen[1], chosen[count - 1]);
  for (size_t i = 2; i < most; ++i)
    std::swap(chosen[i], chosen[i + random.NextBelow(static_cast<uint32_t>(count - i))]);
  chosen.resize(most);
  return chosen;
}

}  // namespace

Slope SlopeOf(const std::function<double(double)>& f) {
  const double before = f(-kStep);
  const double here = f(0);
  const double after = f(kStep);
  const double left = (here - before) / kStep;
  const double right = (after - here) / kStep;
  const double rounding = 8 * std::numeric_limits<double>::epsilon() * std::abs(here) / kStep;
  return {(left + right) / 2, std::abs(right - left) / 2 + rounding};
}

double Gradient::Largest() const {
  double largest = 0;
  for (const Slope& slope : slopes) largest = std::max(largest, std::abs(slope.value));
  return largest;
}

Gradient GradientOf(const std::function<double()>& f, std::vector<double>& point, size_t most,
                    uint32_t stream) {
  base::PhiloxStream random(DrawKey(stream));
  Gradient gradient;
  gradient.coordinates = Some(point.size(), most, random);
  for (const size_t at : gradient.coordinates) {
    const double value = point[at];
    gradient.slopes.push_back(SlopeOf([&](double step) {
      point[at] = value + step;
      const double result = f();
      point[at] = value;
      return result;
    }));
  }
  if (gradient.coordinates.size() == point.size()) return gradient;
  const std::vector<double> origin = point;
  for (int i = 0; i < kDirections; ++i) {
    std::vector<double>& direction = gradient.directions.emplace_back();
    for (size_t k = 0; k < point.size(); ++k)
      direction.push_back(random.NextBelow(2) == 0 ? 1 : -1);
    gradient.along.push_back(SlopeOf([&](double step) {
      for (size_t k = 0; k < point.size(); ++k) point[k] = origin[k] + step * direction[k];
      const double result = f();
      point = origin;
      return result;
    }));
  }
  return gradient;
}

}  // namespace gradus::conformance
