// SPDX-License-Identifier: Apache-2.0
// Softmax and losses from logits: extremes, and what is no number.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "tests/support/guarded.h"
#include "tests/unit/engine/kernels/vector/variants.h"

namespace gradus::kernels {
namespace {

using test_support::Guarded;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class VectorLoss : public EachVariant {};
GRADUS_FOR_EACH_VARIANT(VectorLoss);

TEST_P(VectorLoss, SoftmaxIsADistributionInEveryWidth) {
  for (int64_t width = 1; width <= 40; ++width) {
    const std::vector<float> src = Numbers(static_cast<size_t>(3 * width), 1, -50, 50);
    Guarded dst(src.size() * sizeof(float));
    vector().softmax(src.data(), dst.floats().data(), 3, width);
    EXPECT_TRUE(dst.Intact());
    for (int64_t row = 0; row < 3; ++row) {
      const auto first = static_cast<size_t>(row * width);
      double exact = 0;
      double sum = 0;
      for (size_t i = first; i < first + static_cast<size_t>(width); ++i) {
        exact += std::exp(static_cast<double>(src[i]));
        sum += static_cast<double>(dst.floats()[i]);
      }
      EXPECT_NEAR(sum, 1, 1e-6);
      EXPECT_NEAR(static_cast<double>(dst.floats()[first]),
                  std::exp(static_cast<double>(src[first])) / exact, 1e-6);
    }
  }
}

TEST_P(VectorLoss, SoftmaxOfExtremesIsFinite) {
  std::vector<float> y(3);
  const std::vector<float> extremes = {1e30F, -1e30F, 1e30F};
  vector().softmax(extremes.data(), y.data(), 1, 3);
  EXPECT_EQ(y, (std::vector<float>{0.5F, 0, 0.5F}));
}

// Also where the largest is looked for, which compares.
TEST_P(VectorLoss, WhatIsNoNumberSpoilsItsRowAndNoOther) {
  for (const size_t at : {0, 1, 4}) {
    std::vector<float> x = Numbers(10, 2);
    x[at] = kNan;
    std::vector<float> y(10);
    vector().softmax(x.data(), y.data(), 2, 5);
    for (size_t i = 0; i < 10; ++i) EXPECT_EQ(std::isnan(y[i]), i < 5) << at << " " << i;
    const std::vector<int32_t> labels = {2, 2};
    const std::vector<float> targets(10, 0.2F);
    EXPECT_TRUE(std::isnan(
        vector().softmax_cross_entropy_class(x.data(), labels.data(), 1, nullptr, 2, 5)));
    EXPECT_TRUE(
        std::isnan(vector().softmax_cross_entropy(x.data(), targets.data(), {}, 1, nullptr, 2, 5)));
    EXPECT_TRUE(
        std::isnan(vector().sigmoid_cross_entropy(x.data(), targets.data(), {}, 1, nullptr, 10)));
    EXPECT_TRUE(std::isnan(vector().squared_error(x.data(), targets.data(), 1, nullptr, 10)));
  }
}

TEST_P(VectorLoss, ALabelThatIsNoClassGivesNoNumber) {
  const std::vector<float> x = Numbers(5, 3);
  for (const int32_t label :
       {-1, 5, std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::min()}) {
    Guarded diff(5 * sizeof(float));
    EXPECT_TRUE(std::isnan(
        vector().softmax_cross_entropy_class(x.data(), &label, 1, diff.floats().data(), 1, 5)));
    EXPECT_TRUE(diff.Intact()) << label;
  }
}

TEST_P(VectorLoss, TargetsNeedNotAddUpToOne) {
  const std::vector<float> x = {1, 2, -1};
  const std::vector<float> y = {0.5F, 2, 0.25F};
  std::vector<float> diff(3);
  const double sum =
      vector().softmax_cross_entropy(x.data(), y.data(), {}, 0.5F, diff.data(), 1, 3);
  double exps = 0;
  for (const float logit : x) exps += std::exp(static_cast<double>(logit));
  double expected = 0;
  for (size_t i = 0; i < 3; ++i) {
    expected -= static_cast<double>(y[i]) * (static_cast<double>(x[i]) - std::log(exps));
    EXPECT_NEAR(
        static_cast<double>(diff[i]),
        0.5 * (2.75 * std::exp(static_cast<double>(x[i])) / exps - static_cast<double>(y[i])),
        1e-6);
  }
  EXPECT_NEAR(sum, expected, 1e-6);
}

TEST_P(VectorLoss, GradientsOfASoftmaxAreThoseOfItsResult) {
  for (int64_t width = 1; width <= 40; ++width) {
    const std::vector<float> y = Numbers(static_cast<size_t>(2 * width), 4, 0, 1);
    const std::vector<float> diff_dst = Numbers(y.size(), 5);
    Guarded diff{std::span(diff_dst)};
    vector().softmax_backward(y.data(), diff.floats().data(), 2, width);
    EXPECT_TRUE(diff.Intact());
    for (size_t row = 0; row < 2; ++row) {
      const size_t first = row * static_cast<size_t>(width);
      const auto last = first + static_cast<size_t>(width);
      double mean = 0;
      for (size_t i = first; i < last; ++i)
        mean += static_cast<double>(y[i]) * static_cast<double>(diff_dst[i]);
      for (size_t i = first; i < last; ++i)
        EXPECT_NEAR(static_cast<double>(diff.floats()[i]),
                    static_cast<double>(y[i]) * (static_cast<double>(diff_dst[i]) - mean), 1e-5);
    }
  }
}

}  // namespace
}  // namespace gradus::kernels
