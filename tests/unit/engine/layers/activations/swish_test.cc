// SPDX-License-Identifier: Apache-2.0
// Swish: a beta that is a weight begins where the setting says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/engine/layers/activations/activation_run.h"

namespace gradus::activations {
namespace {

v1::Activation Trained(double beta) {
  v1::Activation spec;
  spec.mutable_swish()->set_beta(beta);
  spec.mutable_swish()->set_trainable(true);
  return spec;
}

TEST(Swish, HasNoWeightUnlessToldTo) {
  v1::Activation spec;
  spec.mutable_swish();
  ASSERT_TRUE(Check(spec).ok());
  EXPECT_TRUE(spec.swish().has_trainable());
  EXPECT_TRUE(Weights(spec, std::vector<int64_t>{4}).empty());
}

TEST(Swish, HasAWeightThatStartsAtItsBeta) {
  const std::vector<layers::Weight> weights = Weights(Trained(1.5), std::vector<int64_t>{4, 3});
  ASSERT_EQ(weights.size(), 1u);
  EXPECT_EQ(weights[0].name, "beta");
  EXPECT_EQ(weights[0].shape, std::vector<int64_t>{1});
  EXPECT_EQ(weights[0].initializer.constant().value(), 1.5);
}

TEST(Swish, TakesBetaFromItsWeight) {
  const ActivationRun run(Trained(1), {2}, {{2}});
  const auto result = run.In({}).ForwardAndBackward({{1, -2}}, {1, 3});
  const double s = 1 / (1 + std::exp(-2.0));
  const double t = 1 / (1 + std::exp(4.0));
  EXPECT_NEAR(static_cast<double>(result.dst[0]), s, 1e-6);
  EXPECT_NEAR(static_cast<double>(result.dst[1]), -2 * t, 1e-6);
  EXPECT_NEAR(static_cast<double>(result.diff_srcs[0][0]), s + 2 * s * (1 - s), 1e-6);
  EXPECT_NEAR(static_cast<double>(result.diff_weights[0][0]), s * (1 - s) + 3 * 4 * t * (1 - t),
              1e-6);
}

TEST(Swish, AddsUpBetasGradientOfManyInTheSameOrderOnTwoThreads) {
  const ActivationRun run(Trained(1), {10'000}, {{0.7F}});
  std::vector<float> x;
  for (int i = 0; i < 90'000; ++i) x.push_back(3 * std::sin(static_cast<float>(i)));
  const auto one = run.In({.rows = 9}).ForwardAndBackward({x}, x);
  const auto two = run.In({.rows = 9, .threads = 2}).ForwardAndBackward({x}, x);
  EXPECT_EQ(one.diff_weights, two.diff_weights);
  double sum = 0;
  for (const float value : x) {
    const double z = static_cast<double>(value);
    const double s = 1 / (1 + std::exp(-static_cast<double>(0.7F) * z));
    sum += z * z * z * s * (1 - s);
  }
  EXPECT_NEAR(static_cast<double>(one.diff_weights[0][0]), sum, 1e-4 * std::abs(sum) + 1e-2);
}

TEST(Swish, HasAFiniteGradientOfBetaFarOut) {
  const auto result =
      ActivationRun(Trained(1), {2}, {{1}}).In({}).ForwardAndBackward({{-1e30F, 1e30F}}, {1, 1});
  EXPECT_EQ(result.diff_weights[0][0], 0);
}

}  // namespace
}  // namespace gradus::activations
