// SPDX-License-Identifier: Apache-2.0
// Loops over elements: right for every count, every number, and what is none.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "tests/support/guarded.h"
#include "tests/unit/engine/kernels/vector/variants.h"

namespace gradus::kernels {
namespace {

using test_support::Guarded;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class Elementwise : public EachVariant {
 protected:
  // The function's values, which must be written where they belong.
  static std::vector<float> Apply(UnaryFunction function, const std::vector<float>& x) {
    Guarded place{std::span(x)};
    function(place.floats().data(), x.size());
    EXPECT_TRUE(place.Intact());
    return {place.floats().begin(), place.floats().end()};
  }
};
GRADUS_FOR_EACH_VARIANT(Elementwise);

// Some units in the last place, over all that matters and beyond.
void ExpectClose(const std::function<std::vector<float>(const std::vector<float>&)>& f,
                 double (*exact)(double)) {
  std::vector<float> x = Numbers(20'000, 1, -20, 20);
  for (const float magnitude : {0.0F, 1e-30F, 1e-6F, 1e-3F, 0.624F, 0.626F, 50.0F, 87.0F, 88.6F,
                                100.0F, 1e4F, 1e30F, kInfinity}) {
    x.push_back(magnitude);
    x.push_back(-magnitude);
  }
  const std::vector<float> y = f(x);
  for (size_t i = 0; i < x.size(); ++i) {
    const double expected = exact(static_cast<double>(x[i]));
    // Below the smallest normal number results may become 0.
    EXPECT_NEAR(static_cast<double>(y[i]), expected, 5e-7 * std::abs(expected) + 2e-38) << x[i];
  }
}

TEST_P(Elementwise, SigmoidIsCloseEverywhere) {
  ExpectClose([&](const auto& x) { return Apply(vector().sigmoid, x); },
              [](double x) { return 1 / (1 + std::exp(-x)); });
}

TEST_P(Elementwise, TanhIsCloseEverywhere) {
  ExpectClose([&](const auto& x) { return Apply(vector().tanh, x); },
              [](double x) { return std::tanh(x); });
}

TEST_P(Elementwise, WhatIsNoNumberStaysNone) {
  for (const UnaryFunction function : {vector().relu, vector().sigmoid, vector().tanh}) {
    const std::vector<float> y = Apply(function, {kNan, 1, kNan, -1, kNan});
    for (const size_t i : {0, 2, 4}) EXPECT_TRUE(std::isnan(y[i]));
    for (const size_t i : {1, 3}) EXPECT_TRUE(std::isfinite(y[i]));
  }
}

// Counts on both sides of every vector's width and of the loops' unrolling.
TEST_P(Elementwise, EveryCountGivesTheSameNumbers) {
  const std::vector<float> x = Numbers(100, 2, -3, 3);
  for (const UnaryFunction function : {vector().relu, vector().sigmoid, vector().tanh}) {
    const std::vector<float> all = Apply(function, x);
    for (size_t count = 0; count <= x.size(); ++count) {
      const std::vector<float> some =
          Apply(function, {x.begin(), x.begin() + static_cast<std::ptrdiff_t>(count)});
      ASSERT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << count;
    }
  }
}

TEST_P(Elementwise, GradientsFollowFromResults) {
  for (size_t count = 1; count <= 70; ++count) {
    const std::vector<float> y = Numbers(count, 3);
    const std::vector<float> diff = Numbers(count, 4);
    const auto backward = [&](UnaryBackwardFunction function) {
      Guarded place{std::span(diff)};
      function(y.data(), place.floats().data(), count);
      EXPECT_TRUE(place.Intact());
      return std::vector<float>(place.floats().begin(), place.floats().end());
    };
    const std::vector<float> relu = backward(vector().relu_backward);
    const std::vector<float> sigmoid = backward(vector().sigmoid_backward);
    const std::vector<float> tanh = backward(vector().tanh_backward);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(relu[i], y[i] > 0 ? diff[i] : 0);
      ASSERT_FLOAT_EQ(sigmoid[i], diff[i] * y[i] * (1 - y[i]));
      ASSERT_FLOAT_EQ(tanh[i], diff[i] * (1 - y[i] * y[i]));
    }
  }
}

// Plain arithmetic rounds alike on every machine.
TEST_P(Elementwise, SumsAndUpdatesAreExact) {
  for (size_t count = 1; count <= 70; ++count) {
    const std::vector<float> a = Numbers(count, 5);
    const std::vector<float> b = Numbers(count, 6);
    const std::vector<float> c = Numbers(count, 7);
    Guarded sum(count * sizeof(float));
    Guarded added{std::span(a)};
    Guarded weights{std::span(a)};
    vector().sum(sum.floats().data(), a.data(), b.data(), count);
    vector().add(added.floats().data(), b.data(), count);
    vector().sgd(weights.floats().data(), b.data(), 0.1F, count);
    EXPECT_TRUE(sum.Intact() && added.Intact() && weights.Intact());
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(sum.floats()[i], a[i] + b[i]);
      ASSERT_EQ(added.floats()[i], a[i] + b[i]);
      ASSERT_EQ(weights.floats()[i], a[i] - 0.1F * b[i]);
    }
    for (const bool nesterov : {false, true}) {
      Guarded moved{std::span(a)};
      Guarded velocity{std::span(c)};
      vector().sgd_momentum(moved.floats().data(), b.data(), velocity.floats().data(), 0.1F, 0.9F,
                            nesterov, count);
      EXPECT_TRUE(moved.Intact() && velocity.Intact());
      for (size_t i = 0; i < count; ++i) {
        const float v = 0.9F * c[i] - 0.1F * b[i];
        ASSERT_EQ(velocity.floats()[i], v);
        ASSERT_EQ(moved.floats()[i], a[i] + (nesterov ? 0.9F * v - 0.1F * b[i] : v));
      }
    }
  }
}

TEST_P(Elementwise, BytesAreScaledAndShifted) {
  std::vector<uint8_t> bytes(256);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i);
  for (const size_t count : {0, 1, 15, 16, 17, 255, 256}) {
    Guarded place(count * sizeof(float));
    vector().convert_u8(bytes.data(), place.floats().data(), 1.0F / 255, -0.5F, count);
    EXPECT_TRUE(place.Intact());
    for (size_t i = 0; i < count; ++i)
      ASSERT_EQ(place.floats()[i], static_cast<float>(i) * (1.0F / 255) + -0.5F);
  }
}

}  // namespace
}  // namespace gradus::kernels
