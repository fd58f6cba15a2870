// SPDX-License-Identifier: Apache-2.0
// Every initializer draws what its formula says, and the key alone decides the bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/training/initializers/kind.h"

namespace gradus::conformance {
namespace {

constexpr size_t kDraws = 1'000'000;
// Of kDraws elements and of 1000, wide and high.
constexpr int64_t kManyShape[] = {800, 1250};
constexpr int64_t kFewShape[] = {50, 20};
constexpr double kStandardErrors = 4;
// The fans are different, so that it shows which of them a mode takes.
constexpr initializers::Drawn kMany = {.shape = kManyShape, .fan_in = 300, .fan_out = 90};
constexpr initializers::Drawn kFew = {.shape = kFewShape, .fan_in = 300, .fan_out = 90};

using initializers::InitializerKind;

class Initializers : public testing::TestWithParam<const InitializerKind*> {
 protected:
  std::vector<v1::Initializer> Samples() const {
    std::vector<v1::Initializer> samples = GetParam()->samples();
    for (v1::Initializer& sample : samples) EXPECT_TRUE(initializers::Check(sample).ok());
    return samples;
  }
  std::vector<float> Draw(const v1::Initializer& spec, const base::RandomKey& key,
                          const initializers::Drawn& weight) const {
    EXPECT_TRUE(initializers::CheckShape(spec, weight.shape).ok());
    const auto count = static_cast<size_t>(weight.shape[0] * weight.shape[1]);
    std::vector<float> values(count, std::nanf(""));
    GetParam()->draw(spec, weight, key, values);
    return values;
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, Initializers,
                         testing::ValuesIn(initializers::Table().begin(),
                                           initializers::Table().end()),
                         [](const auto& tested) { return initializers::Word(*tested.param); });

TEST_P(Initializers, DrawTheMomentsOfTheirFormula) {
  for (const v1::Initializer& spec : Samples()) {
    SCOPED_TRACE(spec.ShortDebugString());
    const initializers::Moments wanted = GetParam()->reference(spec, kMany);
    const std::vector<float> values =
        Draw(spec, {.seed = 3, .purpose = base::RandomPurpose::kInitialize, .index = 1}, kMany);
    double mean = 0;
    for (const float value : values) mean += static_cast<double>(value) / kDraws;
    double second = 0;
    double fourth = 0;
    for (const float value : values) {
      const double square = std::pow(static_cast<double>(value) - mean, 2);
      second += square / kDraws;
      fourth += square * square / kDraws;
    }
    // Of the mean, and of the variance; the last term is for f32's rounding.
    const double mean_error = std::sqrt(wanted.variance / kDraws);
    const double variance_error = std::sqrt(std::max(0.0, fourth - second * second) / kDraws);
    EXPECT_NEAR(mean, wanted.mean, kStandardErrors * mean_error + 1e-9);
    EXPECT_NEAR(second, wanted.variance, kStandardErrors * variance_error + 1e-9);
    const auto [least, most] = std::ranges::minmax(values);
    EXPECT_GE(static_cast<double>(least), wanted.low);
    EXPECT_LE(static_cast<double>(most), wanted.high);
  }
}

TEST_P(Initializers, DrawTheSameBitsForTheSameKeyAndOthersForEveryOther) {
  const base::RandomKey key{.seed = 3, .purpose = base::RandomPurpose::kInitialize, .index = 1};
  base::RandomKey other_seed = key;
  other_seed.seed = 4;
  // The weight's place in the model.
  base::RandomKey other_place = key;
  other_place.index = 2;
  for (const v1::Initializer& spec : Samples()) {
    SCOPED_TRACE(spec.ShortDebugString());
    const std::vector<float> values = Draw(spec, key, kFew);
    EXPECT_EQ(Draw(spec, key, kFew), values);
    EXPECT_EQ(Draw(spec, other_seed, kFew) == values, GetParam()->constant);
    EXPECT_EQ(Draw(spec, other_place, kFew) == values, GetParam()->constant);
  }
}

TEST_P(Initializers, DrawFiniteNumbersForAWeightOfOneElement) {
  for (const v1::Initializer& spec : Samples()) {
    float value = std::nanf("");
    constexpr int64_t kOne[] = {1, 1};
    GetParam()->draw(spec, {.shape = kOne, .fan_in = 1, .fan_out = 1}, {.seed = 1}, {&value, 1});
    EXPECT_TRUE(std::isfinite(value)) << spec.ShortDebugString();
  }
}

}  // namespace
}  // namespace gradus::conformance
