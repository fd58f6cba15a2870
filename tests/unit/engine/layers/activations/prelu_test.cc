// SPDX-License-Identifier: Apache-2.0
// Prelu: the weight's shape, values and gradients by hand, and axes that cannot be shared.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/engine/layers/activations/activation_run.h"

namespace gradus::activations {
namespace {

using ::testing::ElementsAre;

v1::Activation Spec(const std::vector<int64_t>& shared_axes) {
  v1::Activation spec;
  spec.mutable_prelu()->mutable_shared_axes()->Assign(shared_axes.begin(), shared_axes.end());
  return spec;
}

std::vector<int64_t> AlphaShape(v1::Activation spec, const std::vector<int64_t>& shape) {
  EXPECT_TRUE(Check(spec).ok());
  const std::vector<layers::Weight> weights = Weights(spec, shape);
  EXPECT_EQ(weights.size(), 1u);
  EXPECT_EQ(weights[0].name, "alpha");
  return weights[0].shape;
}

TEST(Prelu, StartsWithZeros) {
  v1::Activation spec = Spec({});
  ASSERT_TRUE(Check(spec).ok());
  EXPECT_TRUE(Weights(spec, std::vector<int64_t>{3})[0].initializer.has_zeros());
}

TEST(Prelu, HasAnAlphaForEachElementButAlongSharedAxes) {
  EXPECT_THAT(AlphaShape(Spec({}), {2, 3, 4}), ElementsAre(2, 3, 4));
  EXPECT_THAT(AlphaShape(Spec({1, 2}), {2, 3, 4}), ElementsAre(1, 1, 4));
  EXPECT_THAT(AlphaShape(Spec({-1}), {2, 3, 4}), ElementsAre(2, 3, 1));
}

TEST(Prelu, MultipliesWhatIsBelowZero) {
  const ActivationRun run(Spec({}), {3}, {{0.5F, 2, -1}});
  const auto result =
      run.In({.rows = 2}).ForwardAndBackward({{-2, -3, -4, 5, -6, 0}}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(result.dst, ElementsAre(-1, -6, 4, 5, -12, 0));
  EXPECT_THAT(result.diff_srcs[0], ElementsAre(0.5, 4, -3, 4, 10, -6));
  EXPECT_THAT(result.diff_weights[0], ElementsAre(-2, -6 - 30, -12));
}

TEST(Prelu, AddsUpWhatSharersSayOfAnAlpha) {
  // Rows (2, 2), alpha (1, 2).
  const ActivationRun run(Spec({1}), {2, 2}, {{0.5F, 2}});
  const auto result =
      run.In({.rows = 2})
          .ForwardAndBackward({{-1, -2, -3, 4, -5, 6, 7, -8}}, {1, 1, 1, 1, 2, 2, 2, 2});
  EXPECT_THAT(result.dst, ElementsAre(-0.5, -4, -1.5, 4, -2.5, 6, 7, -16));
  EXPECT_THAT(result.diff_weights[0], ElementsAre(-1 - 3 - 10, -2 - 16));
  // alpha (2, 1).
  const auto other = ActivationRun(Spec({2}), {2, 2}, {{0.5F, 2}})
                         .In({})
                         .ForwardAndBackward({{-1, -2, -3, 4}}, {1, 1, 1, 1});
  EXPECT_THAT(other.dst, ElementsAre(-0.5, -1, -6, 4));
  EXPECT_THAT(other.diff_weights[0], ElementsAre(-3, -3));
}

TEST(Prelu, GivesTheSameBitsOnTwoThreads) {
  for (const std::vector<int64_t>& shared : {std::vector<int64_t>{}, {1}, {2}, {1, 2}}) {
    v1::Activation spec = Spec(shared);
    const std::vector<int64_t> shape = {37, 211};
    size_t count = 1;
    for (const int64_t extent : AlphaShape(spec, shape)) count *= static_cast<size_t>(extent);
    const ActivationRun run(spec, shape, {std::vector(count, 0.3F)});
    std::vector<float> x;
    for (int i = 0; i < 9 * 37 * 211; ++i) x.push_back(std::sin(static_cast<float>(i)));
    const auto one = run.In({.rows = 9}).ForwardAndBackward({x}, x);
    const auto two = run.In({.rows = 9, .threads = 2}).ForwardAndBackward({x}, x);
    EXPECT_EQ(one.dst, two.dst);
    EXPECT_EQ(one.diff_srcs, two.diff_srcs);
    EXPECT_EQ(one.diff_weights, two.diff_weights);
  }
}

TEST(Prelu, LetsNoNanGo) {
  const auto result =
      ActivationRun(Spec({}), {1}, {{0.5F}}).In({}).ForwardAndBackward({{NAN}}, {1});
  EXPECT_TRUE(std::isnan(result.dst[0]));
  EXPECT_TRUE(std::isnan(result.diff_weights[0][0]));
}

TEST(Prelu, NamesTheAxisThatCannotBeShared) {
  EXPECT_EQ(
      ShapeMessage(Spec({1, 3}), {2, 2}),
      "prelu.shared_axes[1]: 3 is not an axis of an input with 2 axes: 1 to 2, or -2 to -1 from "
      "the end; 0 is the batch");
  EXPECT_EQ(ShapeMessage(Spec({2, -1}), {2, 2}),
            "prelu.shared_axes[1]: -1 is not an axis that is not named before");
}

}  // namespace
}  // namespace gradus::activations
