// SPDX-License-Identifier: Apache-2.0
// A loss must be given.
#include "engine/training/losses/kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gradus::losses {
namespace {

TEST(LossKind, MustBeGivenAndIsNamedInTheMessage) {
  v1::Loss spec;
  EXPECT_EQ(Find(spec), nullptr);
  EXPECT_THAT(std::string(Check(spec).message()),
              testing::AllOf(testing::StartsWith("a loss is required: one of "),
                             testing::HasSubstr("mean_squared_error")));
  spec.mutable_mean_squared_error();
  EXPECT_TRUE(Check(spec).ok());
  EXPECT_EQ(Word(*Find(spec)), "mean_squared_error");
}

}  // namespace
}  // namespace gradus::losses
