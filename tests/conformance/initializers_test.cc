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
constexpr double kStandardErrors = 4;
// Different, so that it shows which of them a mode takes.
constexpr int64_t kFanIn = 300;
constexpr int64_t kFanOut = 90;

using initializers::InitializerKind;

class Initializers : public testing::TestWithParam<const InitializerKind*> {
 protected:
  std::vector<v1::Initializer> Samples() const {
    std::vector<v1::Initializer> samples = GetParam()->samples();
    for (v1::Initializer& sample : samples) EXPECT_TRUE(initializers::Check(sample).ok());
    return samples;
  }
  std::vector<float> Draw(const v1::Initializer& spec, const base::RandomKey& key,
                          size_t count) const {
    std::vector<float> values(count, std::nanf(""));
    GetParam()->draw(spec, kFanIn, kFanOut, key, values);
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
    const initializers::Moments wanted = GetParam()->reference(spec, kFanIn, kFanOut);
    const std::vector<float> values =
        Draw(spec, {.seed = 3, .purpose = base::RandomPurpose::kInitialize, .index = 1}, kDraws);
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
    const std::vector<float> values = Draw(spec, key, 1000);
    EXPECT_EQ(Draw(spec, key, 1000), values);
    const bool constant = GetParam()->reference(spec, kFanIn, kFanOut).variance == 0;
    EXPECT_EQ(Draw(spec, other_seed, 1000) == values, constant);
    EXPECT_EQ(Draw(spec, other_place, 1000) == values, constant);
  }
}

TEST_P(Initializers, DrawFiniteNumbersForAWeightOfOneElement) {
  for (const v1::Initializer& spec : Samples()) {
    float value = std::nanf("");
    GetParam()->draw(spec, 1, 1, {.seed = 1}, {&value, 1});
    EXPECT_TRUE(std::isfinite(value)) << spec.ShortDebugString();
  }
}

}  // namespace
}  // namespace gradus::conformance
