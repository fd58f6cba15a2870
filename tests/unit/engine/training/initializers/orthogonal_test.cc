// SPDX-License-Identifier: Apache-2.0
// Orthogonal: rows or columns are orthonormal, whatever the weight's shape; what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/training/initializers/kind.h"

namespace gradus::initializers {
namespace {

v1::Initializer Spec(double gain) {
  v1::Initializer spec;
  spec.mutable_orthogonal()->set_gain(gain);
  EXPECT_TRUE(Check(spec).ok());
  return spec;
}

std::vector<float> Draw(const v1::Initializer& spec, const std::vector<int64_t>& shape) {
  size_t count = 1;
  for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
  std::vector<float> values(count);
  Find(spec)->draw(spec, {.shape = shape, .fan_in = 1, .fan_out = 1}, {.seed = 5}, values);
  return values;
}

// Vector i against vector k of a matrix: `step` between a vector's elements, `next` between
// vectors.
double Product(const std::vector<float>& m, size_t length, size_t step, size_t next, size_t i,
               size_t k) {
  double sum = 0;
  for (size_t at = 0; at < length; ++at) {
    sum +=
        static_cast<double>(m[at * step + i * next]) * static_cast<double>(m[at * step + k * next]);
  }
  return sum;
}

void ExpectOrthonormal(const std::vector<float>& m, size_t vectors, size_t length, size_t step,
                       size_t next, double square) {
  for (size_t i = 0; i < vectors; ++i) {
    for (size_t k = 0; k <= i; ++k)
      EXPECT_NEAR(Product(m, length, step, next, i, k), i == k ? square : 0, 1e-6 * square);
  }
}

TEST(Orthogonal, FillsInKerasDefaults) {
  v1::Initializer spec;
  spec.mutable_orthogonal();
  ASSERT_TRUE(Check(spec).ok());
  EXPECT_EQ(spec.orthogonal().gain(), 1);
}

TEST(Orthogonal, MakesTheFewerOfRowsAndColumnsOrthonormal) {
  ExpectOrthonormal(Draw(Spec(1), {7, 7}), 7, 7, 7, 1, 1);
  ExpectOrthonormal(Draw(Spec(2), {30, 9}), 9, 30, 9, 1, 4);
  ExpectOrthonormal(Draw(Spec(2), {9, 30}), 9, 30, 1, 30, 4);
  // Rows of the matrix are all axes but the last.
  ExpectOrthonormal(Draw(Spec(1), {3, 3, 2, 8}), 8, 18, 8, 1, 1);
}

// With signs that R's diagonal decides: without them the first element would always be negative.
TEST(Orthogonal, PrefersNoSign) {
  int positive = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::vector<int64_t> shape = {3, 2};
    std::vector<float> values(6);
    const v1::Initializer spec = Spec(1);
    Find(spec)->draw(spec, {.shape = shape, .fan_in = 3, .fan_out = 2}, {.seed = seed}, values);
    positive += values[0] > 0 ? 1 : 0;
  }
  EXPECT_GT(positive, 70);
  EXPECT_LT(positive, 130);
}

TEST(Orthogonal, RefusesWhatIsNoMatrixOrTooLargeAOne) {
  const v1::Initializer spec = Spec(1);
  const int64_t vector[] = {5};
  EXPECT_EQ(CheckShape(spec, vector).message(),
            "orthogonal: a weight of shape (5) has not two axes or more");
  const int64_t most[] = {2048, 2048};
  EXPECT_TRUE(CheckShape(spec, most).ok());
  const int64_t more[] = {2049, 2048};
  EXPECT_EQ(CheckShape(spec, more).message(),
            "orthogonal: a weight of shape (2049, 2048) is too large: as a matrix of 2049 by 2048, "
            "its longer side times the square of the shorter one is more than 8589934592");
  const int64_t long_and_narrow[] = {16'777'216, 16};
  EXPECT_TRUE(CheckShape(spec, long_and_narrow).ok());
  const int64_t huge[] = {int64_t{1} << 31, int64_t{1} << 31};
  EXPECT_FALSE(CheckShape(spec, huge).ok());
}

TEST(Orthogonal, RefusesAGainThatIsNoNumber) {
  for (const double gain : {1e60, std::numeric_limits<double>::quiet_NaN()}) {
    v1::Initializer spec;
    spec.mutable_orthogonal()->set_gain(gain);
    EXPECT_FALSE(Check(spec).ok()) << gain;
  }
}

}  // namespace
}  // namespace gradus::initializers
