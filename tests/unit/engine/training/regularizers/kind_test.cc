// SPDX-License-Identifier: Apache-2.0
// Keras's defaults, and what is refused.
#include "engine/training/regularizers/kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gradus::regularizers {
namespace {

using ::testing::HasSubstr;

v1::Regularizer Checked(void (*choose)(v1::Regularizer&)) {
  v1::Regularizer spec;
  choose(spec);
  EXPECT_TRUE(Check(spec).ok());
  return spec;
}

TEST(Regularizers, HaveKerassDefaults) {
  const Coefficients l1 = CoefficientsOf(Checked([](v1::Regularizer& r) { r.mutable_l1(); }));
  EXPECT_EQ(l1, (Coefficients{.l1 = 0.01F, .l2 = 0}));
  const Coefficients l2 = CoefficientsOf(Checked([](v1::Regularizer& r) { r.mutable_l2(); }));
  EXPECT_EQ(l2, (Coefficients{.l1 = 0, .l2 = 0.01F}));
  const Coefficients both = CoefficientsOf(Checked([](v1::Regularizer& r) { r.mutable_l1_l2(); }));
  EXPECT_EQ(both, (Coefficients{.l1 = 0.01F, .l2 = 0.01F}));
  const Coefficients one =
      CoefficientsOf(Checked([](v1::Regularizer& r) { r.mutable_l1_l2()->set_l1(0.5); }));
  EXPECT_EQ(one, (Coefficients{.l1 = 0.5F, .l2 = 0}));
}

TEST(Regularizers, AddNothingWithoutAKind) {
  EXPECT_FALSE(CoefficientsOf(Checked([](v1::Regularizer&) {})).any());
}

// Worked out by hand.
TEST(Regularizers, SumAbsoluteValuesAndSquares) {
  const std::vector<double> values = {1, -2, 0, 3};
  const v1::Regularizer spec = Checked([](v1::Regularizer& r) {
    r.mutable_l1_l2()->set_l1(0.5);
    r.mutable_l1_l2()->set_l2(0.25);
  });
  EXPECT_DOUBLE_EQ(Find(spec)->reference(spec, values), 0.5 * 6 + 0.25 * 14);
}

TEST(Regularizers, NameTheSettingThatCannotBe) {
  v1::Regularizer spec;
  spec.mutable_l2()->set_l2(-1);
  EXPECT_THAT(std::string(Check(spec).message()),
              HasSubstr("l2.l2: -1 is not a finite number, 0 or more"));
}

}  // namespace
}  // namespace gradus::regularizers
