// SPDX-License-Identifier: Apache-2.0
// Passes over two tensors, by every variant, at counts on both sides of every width.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "tests/unit/engine/kernels/vector/variants.h"

namespace gradus::kernels {
namespace {

class Merging : public EachVariant {};
GRADUS_FOR_EACH_VARIANT(Merging);

TEST_P(Merging, FoldsElementByElement) {
  const std::vector<
      std::pair<void (*)(float*, const float*, size_t), std::function<float(float, float)>>>
      folds = {{vector().subtract, [](float a, float b) { return a - b; }},
               {vector().multiply, [](float a, float b) { return a * b; }},
               {vector().raise, [](float a, float b) { return std::max(a, b); }},
               {vector().lower, [](float a, float b) { return std::min(a, b); }}};
  for (const size_t count : {1, 3, 4, 15, 16, 17, 33, 100}) {
    const std::vector<float> a = Numbers(count, 1);
    const std::vector<float> b = Numbers(count, 2);
    for (const auto& [fold, expected] : folds) {
      std::vector<float> dst = a;
      fold(dst.data(), b.data(), count);
      for (size_t i = 0; i < count; ++i) ASSERT_EQ(dst[i], expected(a[i], b[i]));
    }
  }
}

TEST_P(Merging, ExtremesKeepANaNOfEitherSide) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto extreme : {vector().raise, vector().lower}) {
    std::vector<float> dst = {nan, 1, nan};
    const std::vector<float> src = {1, nan, nan};
    extreme(dst.data(), src.data(), 3);
    for (const float value : dst) EXPECT_TRUE(std::isnan(value));
  }
}

TEST_P(Merging, ClaimsWhereTheSourceIsTheResult) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> y = {1, 2, nan, 4, 5};
  const std::vector<float> src = {1, 0, nan, 4, 0};
  std::vector<float> diff = {1, 2, 3, 4, 5};
  std::vector<float> diff_src(5);
  vector().claim(y.data(), src.data(), diff.data(), diff_src.data(), 5);
  EXPECT_THAT(diff_src, testing::ElementsAre(1, 0, 3, 4, 0));
  EXPECT_THAT(diff, testing::ElementsAre(0, 2, 0, 0, 5));
}

TEST_P(Merging, Rescales) {
  for (const size_t count : {1, 17, 50}) {
    const std::vector<float> before = Numbers(count, 3);
    std::vector<float> x = before;
    vector().rescale(x.data(), 3, -0.5F, count);
    for (size_t i = 0; i < count; ++i) ASSERT_FLOAT_EQ(x[i], before[i] * 3 - 0.5F);
  }
}

}  // namespace
}  // namespace gradus::kernels
