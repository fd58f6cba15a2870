// SPDX-License-Identifier: Apache-2.0
// Keras's default, numbers worked out by hand, and what is refused.
#include "engine/training/constraints/kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gradus::constraints {
namespace {

using ::testing::HasSubstr;

TEST(Constraints, MaxNormLeavesWhatIsShortEnough) {
  v1::Constraint spec;
  spec.mutable_max_norm();
  ASSERT_TRUE(Check(spec).ok());
  EXPECT_EQ(spec.max_norm().max_value(), 2);
  EXPECT_EQ(Find(spec)->factor(spec, 2), 1);
  EXPECT_NEAR(Find(spec)->factor(spec, 8), 0.25, 1e-7);
}

TEST(Constraints, UnitNormScalesToOne) {
  v1::Constraint spec;
  spec.mutable_unit_norm();
  ASSERT_TRUE(Check(spec).ok());
  EXPECT_NEAR(Find(spec)->factor(spec, 0.5), 2, 1e-6);
}

TEST(Constraints, NonNegCutsEachElement) {
  v1::Constraint spec;
  spec.mutable_non_neg();
  ASSERT_TRUE(Check(spec).ok());
  std::vector<float> weights = {-1, 0, 2, -0.5F};
  Find(spec)->elements(weights.data(), weights.size());
  EXPECT_EQ(weights, (std::vector<float>{0, 0, 2, 0}));
}

TEST(Constraints, NameTheSettingThatCannotBe) {
  v1::Constraint spec;
  EXPECT_TRUE(Check(spec).ok()) << "none at all";
  spec.mutable_max_norm()->set_max_value(0);
  EXPECT_THAT(std::string(Check(spec).message()),
              HasSubstr("max_norm.max_value: 0 is not a finite number above 0"));
}

}  // namespace
}  // namespace gradus::constraints
