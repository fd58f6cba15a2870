// SPDX-License-Identifier: Apache-2.0
// Activations with settings: Keras's defaults, values worked out by hand, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/engine/layers/activations/activation_run.h"

namespace gradus::activations {
namespace {

using ::testing::HasSubstr;

// Of 1-D rows.
std::vector<float> Values(void (*choose)(v1::Activation&), const std::vector<float>& x) {
  v1::Activation spec;
  choose(spec);
  return ActivationRun(spec, {static_cast<int64_t>(x.size())}).In({}).Forward({x});
}

void Expect(const std::vector<float>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(static_cast<double>(found[i]), expected[i], 1e-6) << "value " << i;
}

const std::vector<float> kX = {-2, 0, 1};

TEST(Activations, HaveKerassDefaults) {
  Expect(Values([](v1::Activation& a) { a.mutable_leaky_relu(); }, kX), {-0.6, 0, 1});
  Expect(Values([](v1::Activation& a) { a.mutable_elu(); }, kX), {std::exp(-2.0) - 1, 0, 1});
  Expect(Values([](v1::Activation& a) { a.mutable_swish(); }, kX),
         {-2 / (1 + std::exp(2.0)), 0, 1 / (1 + std::exp(-1.0))});
  Expect(Values([](v1::Activation& a) { a.mutable_gelu(); }, kX),
         {-0.0455002638963584, 0, 0.841344746068543});
}

TEST(Activations, GiveTheValuesOfTheirFormulas) {
  Expect(Values([](v1::Activation& a) { a.mutable_selu(); }, kX),
         {1.0507009873554805 * 1.6732632423543772 * (std::exp(-2.0) - 1), 0, 1.0507009873554805});
  Expect(Values([](v1::Activation& a) { a.mutable_hard_sigmoid(); }, {-2.5F, 0, 1, 3}),
         {0, 0.5, 0.7, 1});
  Expect(Values([](v1::Activation& a) { a.mutable_softplus(); }, kX),
         {std::log1p(std::exp(-2.0)), std::log(2.0), std::log1p(std::exp(1.0))});
  Expect(Values([](v1::Activation& a) { a.mutable_softsign(); }, kX), {-2.0 / 3, 0, 0.5});
  Expect(Values([](v1::Activation& a) { a.mutable_gelu()->set_approximate(true); }, {1}),
         {0.841191990608276});
  Expect(Values([](v1::Activation& a) { a.mutable_mish(); }, {1}), {0.865098388267310});
}

// What overflows in the middle of a formula must not show.
TEST(Activations, StayNumbersFarOut) {
  for (const ActivationKind* kind : Table()) {
    if (kind->field == v1::Activation::kLinear || kind->field == v1::Activation::kExponential)
      continue;
    for (v1::Activation spec : kind->samples()) {
      ASSERT_TRUE(Check(spec).ok());
      const std::vector<int64_t> shape = {4};
      std::vector<test_support::Values> weights;
      for (const layers::Weight& weight : Weights(spec, shape))
        weights.emplace_back(static_cast<size_t>(weight.shape[0]), 0.5F);
      const std::vector<float> y =
          ActivationRun(spec, shape, weights).In({}).Forward({{-1e4F, -100, 100, 1e4F}});
      for (const float value : y) EXPECT_TRUE(std::isfinite(value)) << Word(*kind);
    }
  }
}

TEST(Activations, NameTheSettingThatCannotBe) {
  v1::Activation spec;
  spec.mutable_elu()->set_alpha(NAN);
  EXPECT_THAT(std::string(Check(spec).message()),
              HasSubstr("elu.alpha: nan is not a finite number"));
  spec.mutable_swish()->set_beta(1e60);
  EXPECT_THAT(std::string(Check(spec).message()),
              HasSubstr("swish.beta: 1e+60 is not a finite number"));
}

}  // namespace
}  // namespace gradus::activations
