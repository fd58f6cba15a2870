// SPDX-License-Identifier: Apache-2.0
// Every regularizer's term and gradient are those of its double-precision reference.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/kernels/vector/functions.h"
#include "engine/training/regularizers/kind.h"
#include "tests/conformance/agreement.h"
#include "tests/conformance/differences.h"
#include "tests/conformance/draws.h"
#include "tests/support/guarded.h"

namespace gradus::conformance {
namespace {

using regularizers::Coefficients;
using regularizers::RegularizerKind;
using test_support::Guarded;

constexpr size_t kCounts[] = {1, 7, 16, 33, 1000};

// Some of them zeros: the kink of what has one, and padding.
std::vector<float> Values(size_t count) {
  std::vector<float> values = DrawNormal(count, 31);
  for (size_t i = 3; i < count; i += 5) values[i] = 0;
  return values;
}

class Regularizers : public testing::TestWithParam<const RegularizerKind*> {
 protected:
  std::vector<v1::Regularizer> Samples() const {
    std::vector<v1::Regularizer> samples = GetParam()->samples();
    for (v1::Regularizer& sample : samples) EXPECT_TRUE(regularizers::Check(sample).ok());
    return samples;
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, Regularizers,
                         testing::ValuesIn(regularizers::Table().begin(),
                                           regularizers::Table().end()),
                         [](const auto& tested) { return regularizers::Word(*tested.param); });

TEST_P(Regularizers, GiveTheReferencesTerm) {
  for (const v1::Regularizer& spec : Samples()) {
    SCOPED_TRACE(spec.ShortDebugString());
    const Coefficients coefficients = GetParam()->lower(spec);
    EXPECT_TRUE(coefficients.any());
    for (const size_t count : kCounts) {
      const std::vector<float> values = Values(count);
      const double expected = GetParam()->reference(spec, Doubles(values));
      Guarded x{std::span<const float>(values)};
      EXPECT_TRUE(Agrees(
          kernels::Vector().penalty(x.floats().data(), coefficients.l1, coefficients.l2, count),
          expected, kTolerance * expected + kNothing));
    }
  }
}

TEST_P(Regularizers, AddTheReferencesGradient) {
  for (const v1::Regularizer& spec : Samples()) {
    SCOPED_TRACE(spec.ShortDebugString());
    const Coefficients coefficients = GetParam()->lower(spec);
    for (const size_t count : kCounts) {
      const std::vector<float> values = Values(count);
      Guarded x{std::span<const float>(values)};
      const std::vector<float> before = DrawNormal(count, 32);
      Guarded diff{std::span<const float>(before)};
      kernels::Vector().penalize(x.floats().data(), diff.floats().data(), coefficients.l1,
                                 coefficients.l2, count);
      EXPECT_TRUE(x.Intact() && diff.Intact());
      for (size_t i = 0; i < count; ++i) {
        const Slope slope = SlopeOf([&](double step) {
          const std::vector<double> one = {static_cast<double>(values[i]) + step};
          return GetParam()->reference(spec, one);
        });
        EXPECT_TRUE(Agrees(static_cast<double>(diff.floats()[i]) - static_cast<double>(before[i]),
                           slope.value, kTolerance * (std::abs(slope.value) + 1) + slope.slack));
        if (values[i] == 0) {
          EXPECT_EQ(diff.floats()[i], before[i]) << "padding must stay zero";
        }
      }
    }
  }
}

TEST_P(Regularizers, HideNoNaN) {
  for (const v1::Regularizer& spec : Samples()) {
    const Coefficients coefficients = GetParam()->lower(spec);
    std::vector<float> values = Values(33);
    values[20] = NAN;
    std::vector<float> diff(33, 0.0F);
    EXPECT_TRUE(
        std::isnan(kernels::Vector().penalty(values.data(), coefficients.l1, coefficients.l2, 33)));
    kernels::Vector().penalize(values.data(), diff.data(), coefficients.l1, coefficients.l2, 33);
    EXPECT_TRUE(std::isnan(diff[20]));
    EXPECT_FALSE(std::isnan(diff[21]));
  }
}

}  // namespace
}  // namespace gradus::conformance
