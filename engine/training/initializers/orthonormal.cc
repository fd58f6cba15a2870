// SPDX-License-Identifier: Apache-2.0
// Householder's reflections, and their product in the place of the matrix.
#include "engine/training/initializers/orthonormal.h"

#include <cmath>
#include <cstddef>

namespace gradus::initializers {
namespace {

using Column = std::vector<double>;

// Sums that the processor adds at the same time, in an order that depends on the length alone.
constexpr size_t kSums = 4;

// Over the rows from `first` on.
double Dot(const Column& a, const Column& b, size_t first) {
  const double* x = a.data();
  const double* y = b.data();
  const size_t count = a.size();
  double sums[kSums] = {};
  size_t i = first;
  for (; i + kSums <= count; i += kSums) {
    for (size_t k = 0; k < kSums; ++k) sums[k] += x[i + k] * y[i + k];
  }
  for (; i < count; ++i) sums[0] += x[i] * y[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// x - factor * v (v . x), over the rows from `first` on.
void Reflect(const Column& v, double factor, size_t first, Column& x) {
  const double along = factor * Dot(v, x, first);
  const double* from = v.data();
  double* to = x.data();
  for (size_t i = first; i < x.size(); ++i) to[i] -= along * from[i];
}

}  // namespace

void MakeOrthonormal(std::vector<Column>& columns) {
  const size_t count = columns.size();
  // Reflection k is 1 - factors[k] * v v^T, with v in rows k and below of column k.
  std::vector<double> factors(count, 0.0);
  std::vector<double> signs(count, 1.0);
  for (size_t k = 0; k < count; ++k) {
    Column& v = columns[k];
    const double length = std::sqrt(Dot(v, v, k));
    if (!(length > 0)) continue;
    // R's diagonal is what is left of the column: of the sign that cancels nothing.
    signs[k] = v[k] > 0 ? -1 : 1;
    v[k] -= signs[k] * length;
    factors[k] = 2 / Dot(v, v, k);
    for (size_t other = k + 1; other < count; ++other) Reflect(v, factors[k], k, columns[other]);
  }
  // From the last one on, the product's columns take the places of the reflections'.
  for (size_t k = count; k-- > 0;) {
    Column& v = columns[k];
    for (size_t other = k + 1; other < count; ++other) Reflect(v, factors[k], k, columns[other]);
    const double head = v[k];
    for (size_t i = 0; i < v.size(); ++i) v[i] = i < k ? 0 : -factors[k] * head * v[i];
    v[k] += 1;
  }
  for (size_t k = 0; k < count; ++k) {
    for (double& value : columns[k]) value *= signs[k];
  }
}

}  // namespace gradus::initializers
